// The commands about what accounts and keys may do, and about what operators did.

#include <charconv>

#include <fmt/format.h>

#include "apps/account_words.h"
#include "apps/commands_account.h"
#include "apps/words.h"
#include "core/bytes.h"
#include "core/text.h"
#include "io/entropy.h"

namespace shoal::apps {

namespace {

/// A flag's value in the place of a limit: absent leaves it, "none" takes it away.
template <class T, class Parse>
Status change(std::string_view flag, const std::string& text, std::optional<T>& limit,
              Parse parse) {
    if (text.empty()) return Done{};
    if (text == "none") {
        limit.reset();
        return Done{};
    }
    const auto value = parse(text);
    if (!value.ok()) return in_flag(flag, value.error());
    limit = value.value();
    return Done{};
}

Result<std::uint64_t> parse_count(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec == std::errc{} && read.ptr == end) return number;
    return Error{Code::invalid, "expected a whole number or none, got \"" +
                                    std::string(text.substr(0, 64)) + "\""};
}

Status change_limits(const LimitOptions& options, protocol::AccountLimits& limits) {
    TRY(change("--budget-total", options.budget_total, limits.budget_total, parse_credit));
    TRY(change("--budget-day", options.budget_day, limits.budget_day, parse_credit));
    TRY(change("--jobs", options.jobs, limits.jobs_open, parse_count));
    TRY(change("--tasks", options.tasks, limits.tasks_open, parse_count));
    TRY(change("--blobs", options.blobs, limits.blobs, parse_size));
    return Done{};
}

bool is_change(const LimitOptions& options) {
    return !(options.budget_total + options.budget_day + options.jobs + options.tasks +
             options.blobs)
                .empty();
}

template <class T, class Show>
std::string shown(const std::optional<T>& limit, Show show) {
    return limit ? show(*limit) : "-";
}

std::string limits_table(const protocol::LimitsView& view, const Terminal& terminal) {
    using enum Table::Align;
    Table table(
        {{"LIMIT"}, {"MOST", right}, {"USED", right}, {"OPERATOR'S", right}, {"OWN", right}});
    const auto add = [&](const char* name, auto member, const auto& used, auto show) {
        table.add({name, shown(view.most.*member, show), show(used),
                   shown(view.market.*member, show), shown(view.own.*member, show)});
    };
    using protocol::AccountLimits;
    const auto count = [](std::uint64_t number) { return std::to_string(number); };
    const auto size = [](Size bytes) { return to_rounded(bytes); };
    const Lamports committed = view.used.spent + view.used.held;
    add("budget total", &AccountLimits::budget_total, committed, to_credit);
    add("budget of a day", &AccountLimits::budget_day, view.used.placed, to_credit);
    add("jobs open", &AccountLimits::jobs_open, view.used.jobs_open, count);
    add("tasks open", &AccountLimits::tasks_open, view.used.tasks_open, count);
    add("blobs", &AccountLimits::blobs, view.used.blobs, size);
    return table.print(terminal);
}

void show(const Context& context, const protocol::AccountView& view) {
    context.out().print_as_json(view);
    context.out().print(account_lines(view));
}

}  // namespace

/// Shows the limits, and changes before those that are named.
Result<Exit> limit_account(Context& context, const LimitOptions& options) {
    Client& client = *TRY(context.client());
    const protocol::AccountView me = TRY(client.me());
    const AccountId account =
        options.account.empty() ? me.account : TRY(id_of<AccountTag>(options.account));
    protocol::LimitsView view = TRY(client.limits(account));
    if (is_change(options)) {
        const bool is_operator = me.role == protocol::Role::operator_;
        protocol::AccountLimits limits = is_operator ? view.market : view.own;
        TRY(change_limits(options, limits));
        view = TRY(client.limit(account, limits));
    }
    context.out().print_as_json(view);
    context.out().print(limits_table(view, context.out().results()));
    return Exit::done;
}

Result<Exit> freeze_account(Context& context, const StandingOptions& options) {
    const AccountId account = TRY(id_of<AccountTag>(options.account));
    Client& client = *TRY(context.client());
    show(context, TRY(client.freeze(account, {true, options.reason})));
    return Exit::done;
}

Result<Exit> unfreeze_account(Context& context, const StandingOptions& options) {
    const AccountId account = TRY(id_of<AccountTag>(options.account));
    Client& client = *TRY(context.client());
    show(context, TRY(client.freeze(account, {false, ""})));
    return Exit::done;
}

Result<Exit> transfer_credit(Context& context, const StandingOptions& options) {
    protocol::TransferOrder order;
    order.to = TRY(id_of<AccountTag>(options.to));
    order.amount = TRY(parse_credit(options.amount));
    Client& client = *TRY(context.client());
    const AccountId payer = TRY(account_of(client, options.account));
    const std::string request = to_hex(ByteView(io::entropy()).first(16));
    show(context, TRY(client.transfer(payer, order, request)));
    return Exit::done;
}

Result<Exit> erase_account(Context& context, const StandingOptions& options) {
    Client& client = *TRY(context.client());
    const AccountId account = TRY(account_of(client, options.account));
    if (!options.is_sure) {
        return advise({Code::invalid, to_string(account) + " would be closed for ever, and what it "
                                                           "stored and wrote would be gone"},
                      "Say --yes if that is what you want.");
    }
    const auto rest = options.gives_up_balance ? Client::Rest::given_up : Client::Rest::kept;
    show(context, TRY(client.erase(account, rest)));
    return Exit::done;
}

Result<Exit> limit_key(Context& context, const RateOptions& options) {
    const KeyId key = TRY(id_of<KeyTag>(options.key));
    protocol::RateRequest asked;
    if (options.per_second || options.burst) {
        const std::uint32_t rate = options.per_second.value_or(options.burst.value_or(1));
        asked.rate = protocol::RequestRate{rate, options.burst.value_or(rate)};
    }
    Client& client = *TRY(context.client());
    const protocol::KeyView view = TRY(client.limit_key(key, asked));
    context.out().print_as_json(view);
    context.out().print(fmt::format("{} may make {} requests a second, and {} at once",
                                    to_string(key), view.rate.per_second, view.rate.burst));
    return Exit::done;
}

Result<Exit> show_audit(Context& context, const AuditOptions& options) {
    Client& client = *TRY(context.client());
    const auto actions = TRY(client.audit(options.subject, options.count));
    const Output& out = context.out();
    out.print_as_json(actions);
    Table table({{"TIME (UTC)"}, {"ACTION"}, {"KEY"}, {"WHAT"}, {"ON"}, {"DETAIL"}});
    for (const protocol::OperatorActed& it : actions) {
        table.add({to_date(it.at), to_string(it.action), to_string(it.key), it.route,
                   it.subject.empty() ? "-" : it.subject, it.detail.empty() ? "-" : it.detail});
    }
    out.print(table.empty() ? "no operator has done anything" : table.print(out.results()));
    return Exit::done;
}

}  // namespace shoal::apps
