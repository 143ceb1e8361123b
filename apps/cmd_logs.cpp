#include <fmt/format.h>

#include "apps/commands.h"
#include "apps/follow.h"
#include "apps/words.h"
#include "core/text.h"

namespace shoal::apps {

namespace {

Result<Exit> follow_logs(Context& context, Client& client, JobId id, std::optional<TaskId> task) {
    const Interrupts ctrl_c;
    Follower follower(client, context.out(), id, {Follower::Shows::logs, task});
    TRY(follower.begin());
    return TRY(follower.follow(ctrl_c)) ? Exit::done : Exit::interrupted;
}

Result<std::string> whole_log(Client& client, LeaseId lease) {
    std::string text;
    for (std::uint64_t from = 0;;) {
        auto piece = client.log(lease, from);
        if (!piece.ok() && piece.error().code == Code::not_found) return text;  // nothing was kept
        if (!piece.ok()) return std::move(piece).error();
        if (piece.value().bytes.empty()) return text;
        text += piece.value().bytes;
        from = piece.value().next;
    }
}

/// Each attempt's log as it is known now, under a title if there are several.
Result<Exit> print_logs(Context& context, Client& client, JobId id, std::optional<TaskId> task) {
    auto attempts = TRY(client.attempts(id));
    if (task) std::erase_if(attempts, [&](const auto& one) { return one.task != *task; });
    const Output& out = context.out();
    for (const protocol::AttemptView& attempt : attempts) {
        const std::string log = to_display(TRY(whole_log(client, attempt.lease)));
        out.print_json(boost::json::object{
            {"task", to_string(attempt.task)}, {"lease", to_string(attempt.lease)}, {"log", log}});
        const std::string title =
            fmt::format("== {} {} ==", to_string(attempt.task), to_string(attempt.lease));
        if (attempts.size() > 1) out.print(paint(out.results(), Colour::bold, title));
        if (!log.empty()) out.print(log);
    }
    return Exit::done;
}

}  // namespace

Result<Exit> show_logs(Context& context, const LogsOptions& options) {
    const JobId id = TRY(id_of<JobTag>(options.id));
    std::optional<TaskId> task;
    if (!options.task.empty()) task = TRY(id_of<TaskTag>(options.task));
    Client& client = *TRY(context.client());
    if (options.follow) return follow_logs(context, client, id, task);
    return print_logs(context, client, id, task);
}

}  // namespace shoal::apps
