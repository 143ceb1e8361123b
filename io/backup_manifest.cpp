#include "io/backup_manifest.h"

#include <algorithm>
#include <set>

#include "core/text.h"

namespace shoal::io {

namespace {

constexpr std::uint32_t format_known = 1;
constexpr std::size_t digits_max = 20;

struct NamedAccount {
    static constexpr std::array<std::string_view, 2> required{"account", "name"};
    AccountId account;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(NamedAccount, (), (account, name))

struct NameList {
    static constexpr std::array<std::string_view, 1> required{"names"};
    std::vector<NamedAccount> names;
};
BOOST_DESCRIBE_STRUCT(NameList, (), (names))

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= digits_max &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether the text is this prefix, a number and this suffix.
bool is_numbered(std::string_view text, std::string_view prefix, std::string_view suffix) {
    if (!text.starts_with(prefix) || !text.ends_with(suffix)) return false;
    if (text.size() < prefix.size() + suffix.size()) return false;
    text.remove_prefix(prefix.size());
    text.remove_suffix(suffix.size());
    return is_number(text);
}

/// A manifest decides which files are read: only ever these.
bool is_ours(std::string_view path) {
    constexpr std::array fixed{std::string_view("market.key"), std::string_view("operator.key"),
                               names_name};
    return std::ranges::find(fixed, path) != fixed.end() ||
           is_numbered(path, "journal/events-", ".zst") || is_numbered(path, "journal/base-", "");
}

Error corrupt(std::string_view what) {
    return {Code::corrupt, std::string(what)};
}

template <class T>
Result<T> read_as(std::string_view text, std::size_t size_max, json::Reader reader) {
    const auto value = json::parse(text, size_max);
    if (!value.ok()) return corrupt(value.error().what);
    auto read = json::read<T>(value.value(), reader);
    if (!read.ok()) return corrupt(read.error().what);
    return read;
}

}  // namespace

Result<BackupManifest> read_manifest(std::string_view text) {
    auto manifest = TRY(read_as<BackupManifest>(text, manifest_size_max, json::Reader::tolerant));
    if (manifest.format > format_known) {
        return Error{Code::unsupported, "the backup was made by a newer release of Shoal (" +
                                            to_display(shorten(manifest.release, 64)) +
                                            "); install that one"};
    }
    const bool is_range = manifest.format > 0 && manifest.first > 0 && manifest.last <= INT64_MAX &&
                          manifest.first <= manifest.last + 1 && manifest.last > 0 &&
                          manifest.base == manifest.first - 1;
    if (!is_range) return corrupt("the backup names no range of events");
    std::set<std::string_view> seen;
    for (const BackupFile& file : manifest.files) {
        if (!is_ours(file.path)) {
            return corrupt("the backup names a file that is none of its own: " +
                           to_display(shorten(file.path, 100)));
        }
        if (!seen.insert(file.path).second) return corrupt("the backup names a file twice");
    }
    return manifest;
}

std::string write_manifest(const BackupManifest& manifest) {
    return json::print(manifest) + "\n";
}

Result<std::map<AccountId, std::string>> read_names(std::string_view text) {
    const auto list = TRY(read_as<NameList>(text, names_size_max, json::Reader::strict));
    std::map<AccountId, std::string> names;
    for (const NamedAccount& one : list.names) {
        if (one.account == AccountId{}) return corrupt("a name of no account");
        if (!names.emplace(one.account, one.name).second) return corrupt("two names of an account");
    }
    return names;
}

std::string write_names(const std::map<AccountId, std::string>& names) {
    NameList list;
    for (const auto& [account, name] : names) list.names.push_back({account, name});
    return json::print(list) + "\n";
}

}  // namespace shoal::io
