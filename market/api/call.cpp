#include "market/api/call.h"

#include <charconv>

#include <fmt/format.h>

#include "core/hash.h"

namespace shoal::market {

namespace {

constexpr std::size_t seal_digits = 12;

/// What binds a cursor to its list: a client that makes one up has a bug, and is told.
std::string seal(const Call& call, std::string_view position) {
    std::string list = call.request.path;
    for (const auto& [name, value] : call.request.query) {
        if (name != "cursor" && name != "limit") list += fmt::format("&{}={}", name, value);
    }
    const std::string whole = fmt::format("shoal.cursor {} {}", position, list);
    return to_string(sha256(whole)).substr(0, seal_digits);
}

}  // namespace

bool is_operator(const Call& call) {
    return call.principal.role == protocol::Role::operator_;
}

bool may_see(const Call& call, AccountId account) {
    return is_operator(call) || call.principal.account == account;
}

Error unknown(std::string_view thing) {
    return {Code::not_found, fmt::format("no such {}", thing)};
}

const std::string* parameter(const Call& call, const std::string& name) {
    const auto found = call.request.query.find(name);
    return found == call.request.query.end() ? nullptr : &found->second;
}

Result<const Job*> own_job(const Call& call) {
    const JobId id = TRY(path_id<JobTag>(call, "job"));
    const auto found = call.market.state().jobs.find(id);
    if (found == call.market.state().jobs.end() || !may_see(call, found->second.account)) {
        return unknown("job");
    }
    return &found->second;
}

Result<const Task*> own_task(const Call& call) {
    const TaskId id = TRY(path_id<TaskTag>(call, "task"));
    const auto found = call.market.state().tasks.find(id);
    if (found == call.market.state().tasks.end()) return unknown("task");
    const Job& job = call.market.state().jobs.at(found->second.job);
    if (!may_see(call, job.account)) return unknown("task");
    return &found->second;
}

Result<const Workflow*> own_workflow(const Call& call) {
    const WorkflowId id = TRY(path_id<WorkflowTag>(call, "workflow"));
    const auto found = call.market.state().workflows.find(id);
    if (found == call.market.state().workflows.end() || !may_see(call, found->second.account)) {
        return unknown("workflow");
    }
    return &found->second;
}

Result<const Account*> own_account(const Call& call) {
    const AccountId id = TRY(path_id<AccountTag>(call, "account"));
    const auto found = call.market.state().accounts.find(id);
    if (found == call.market.state().accounts.end() || !may_see(call, id)) {
        return unknown("account");
    }
    return &found->second;
}

Result<const Attempt*> own_attempt(const Call& call) {
    const LeaseId id = TRY(path_id<LeaseTag>(call, "lease"));
    const auto found = call.market.state().attempts.find(id);
    if (found == call.market.state().attempts.end()) return unknown("lease");
    const Job& job = call.market.state().jobs.at(found->second.job);
    if (!may_see(call, job.account)) return unknown("lease");
    return &found->second;
}

Result<const Job*> leased_job(const Market& market, AccountId account, LeaseId lease) {
    const State& state = market.state();
    const auto found = state.attempts.find(lease);
    if (found == state.attempts.end() ||
        state.providers.at(found->second.provider).account != account) {
        return unknown("lease");
    }
    if (found->second.phase == Phase::ended) return Error{Code::stale, "the lease is over"};
    return &state.jobs.at(found->second.job);
}

Result<const Provider*> any_provider(const Call& call) {
    const ProviderId id = TRY(path_id<ProviderTag>(call, "provider"));
    const auto found = call.market.state().providers.find(id);
    if (found == call.market.state().providers.end()) return unknown("provider");
    return &found->second;
}

Result<const Provider*> own_provider(const Call& call) {
    const Provider* provider = TRY(any_provider(call));
    if (!may_see(call, provider->account)) return unknown("provider");
    return provider;
}

Result<PageRequest> page_request(const Call& call) {
    PageRequest page;
    if (const std::string* text = parameter(call, "limit")) {
        const char* end = text->data() + text->size();
        const auto read = std::from_chars(text->data(), end, page.limit);
        if (read.ec != std::errc{} || read.ptr != end || page.limit < 1 ||
            page.limit > limits::page_max) {
            return Error{Code::invalid, fmt::format("limit: expected a whole number from 1 to {}",
                                                    limits::page_max)};
        }
    }
    if (const std::string* text = parameter(call, "cursor")) {
        const Error wrong{Code::invalid, "cursor: expected the `next` of this list's page before"};
        if (text->size() <= seal_digits) return wrong;
        const std::string position = text->substr(seal_digits);
        const auto from = from_base32(position);
        if (!from.ok() || *text != seal(call, position) + position) return wrong;
        page.from = from.value();
    }
    return page;
}

std::string cursor(const Call& call, std::uint64_t from) {
    const std::string position = to_base32(from);
    return seal(call, position) + position;
}

}  // namespace shoal::market
