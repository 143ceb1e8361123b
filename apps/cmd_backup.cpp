#include <fmt/format.h>

#include "apps/backup.h"
#include "apps/commands.h"
#include "apps/words.h"

namespace shoal::apps {

namespace {

constexpr Duration last_of_second{999};

/// One a line, for whoever has to find them elsewhere.
void show_missing(const Output& out, const std::vector<MissingBlob>& missing) {
    for (const MissingBlob& one : missing) {
        out.print(fmt::format("missing: blob {}, {}\n", to_string(one.blob),
                              to_rounded(Size{one.size_bytes})));
    }
}

boost::json::array to_json(const std::vector<MissingBlob>& missing) {
    boost::json::array list;
    for (const MissingBlob& one : missing) {
        list.push_back(
            boost::json::object{{"blob", to_string(one.blob)}, {"size_bytes", one.size_bytes}});
    }
    return list;
}

Result<RestoreWish> wish_of(const RestoreOptions& options) {
    RestoreWish wish{options.source, options.folder, {}, options.sequence};
    if (options.at.empty()) return wish;
    const auto at = parse_date(options.at);
    if (!at.ok()) return in_flag("--at", at.error());
    wish.at = at.value() + last_of_second;  // dates are shown without parts of a second
    return wish;
}

}  // namespace

Result<Exit> back_up(Context& context, const BackupOptions& options) {
    const auto report = TRY(
        make_backup({options.data, options.target, options.has_blobs, options.has_secrets_key}));
    const Output& out = context.out();
    const io::BackupManifest& manifest = report.manifest;
    show_missing(out, report.missing);
    out.print(fmt::format("{}: {} from {} to {}, the last of {}; {}; read again and replayed\n",
                          options.target, counted(manifest.last - manifest.first + 1, "event"),
                          manifest.first, manifest.last, to_date(manifest.last_time),
                          counted(report.jobs, "job")));
    if (options.has_blobs) {
        out.print(
            fmt::format("{}, {} missing\n", counted(report.blobs, "blob"), report.missing.size()));
    }
    out.say("It holds the market's keys and names: keep it as safe as the market itself.\n");
    out.print_json(
        boost::json::object{{"backup", options.target},
                            {"first", manifest.first},
                            {"last", manifest.last},
                            {"last_time_ms", manifest.last_time.time_since_epoch().count()},
                            {"jobs", report.jobs},
                            {"blobs", report.blobs},
                            {"missing", to_json(report.missing)}});
    return Exit::done;
}

Result<Exit> restore(Context& context, const RestoreOptions& options) {
    const auto report = TRY(restore_backup(TRY(wish_of(options))));
    const Output& out = context.out();
    show_missing(out, report.missing);
    out.print(fmt::format("{}: the market after event {}, of {}\n{}, {} missing\n", options.folder,
                          report.last, to_date(report.last_time), counted(report.blobs, "blob"),
                          report.missing.size()));
    if (!report.has_names) out.say("The backup has no names: its accounts have none.\n");
    if (report.secrets_without_key > 0) {
        out.say(
            fmt::format("{} cannot be opened without secrets.key, which the backup does not "
                        "have: copy it from the old folder before the market starts, or "
                        "accounts must set them again\n",
                        counted(report.secrets_without_key, "secret")));
    }
    out.print_json(
        boost::json::object{{"folder", options.folder},
                            {"last", report.last},
                            {"last_time_ms", report.last_time.time_since_epoch().count()},
                            {"has_names", report.has_names},
                            {"secrets_without_key", report.secrets_without_key},
                            {"blobs", report.blobs},
                            {"missing", to_json(report.missing)}});
    return Exit::done;
}

}  // namespace shoal::apps
