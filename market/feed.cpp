#include "market/feed.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "core/text.h"

namespace shoal::market {

using protocol::AccountKind;

namespace {

using protocol::FeedItem;

using Draft = FeedDraft;

void about_job(const State& state, JobId id, Draft& draft) {
    const auto found = state.jobs.find(id);
    if (found == state.jobs.end()) return;
    draft.item.job = id;
    draft.parties.insert(found->second.account);
}

void about_task(const State& state, TaskId id, Draft& draft) {
    const auto found = state.tasks.find(id);
    if (found == state.tasks.end()) return;
    draft.item.task = id;
    about_job(state, found->second.job, draft);
}

void about_provider(const State& state, ProviderId id, Draft& draft) {
    const auto found = state.providers.find(id);
    if (found == state.providers.end()) return;
    draft.item.provider = id;
    draft.parties.insert(found->second.account);
}

void about_attempt(const State& state, LeaseId id, Draft& draft) {
    const auto found = state.attempts.find(id);
    if (found == state.attempts.end()) return;
    draft.item.lease = id;
    about_task(state, found->second.task, draft);
    about_provider(state, found->second.provider, draft);
}

void about_account(const State& state, const protocol::LedgerAccount& account, Draft& draft) {
    if (account.kind == AccountKind::available) draft.parties.insert(AccountId{account.owner});
    if (account.kind == AccountKind::held) about_job(state, JobId{account.owner}, draft);
}

/// Whom an event is about, and what is told of it. Events that are not told have no overload.
struct Telling {
    const State& state;
    Draft& draft;

    bool tell(const protocol::MarketStarted& event) const {
        draft.item.body = boost::json::object{{"release", event.release}};
        return true;
    }
    bool tell(const protocol::AccountCreated& event) const {
        draft.parties.insert(event.account);
        draft.item.body = boost::json::object{{"account", to_string(event.account)}};
        return true;
    }
    bool tell(const protocol::KeyCreated& event) const {
        draft.parties.insert(event.account);
        draft.item.body = boost::json::object{{"key", to_string(event.key)},
                                              {"account", to_string(event.account)},
                                              {"role", json::write(event.role)}};
        return true;
    }
    bool tell(const protocol::KeyRevoked& event) const {
        const auto found = state.keys.find(event.key);
        if (found != state.keys.end()) draft.parties.insert(found->second.account);
        draft.item.body = boost::json::object{{"key", to_string(event.key)}};
        return true;
    }
    bool tell(const protocol::RequestAnswered& /*event*/) const { return false; }
    bool tell(const protocol::BlobStored& event) const {
        draft.parties.insert(event.account);
        draft.item.body =
            boost::json::object{{"blob", to_string(event.blob)}, {"size_bytes", event.size_bytes}};
        return true;
    }
    bool tell(const protocol::BlobDropped& event) const {
        draft.parties.insert(event.account);
        draft.item.body = boost::json::object{{"blob", to_string(event.blob)}};
        return true;
    }
    bool tell(const protocol::TransferPosted& event) const {
        about_account(state, event.from, draft);
        about_account(state, event.to, draft);
        draft.item.body = boost::json::object{{"transfer", to_string(event.id)},
                                              {"purpose", json::write(event.purpose)},
                                              {"from", to_string(event.from)},
                                              {"to", to_string(event.to)},
                                              {"amount", to_string(event.amount)}};
        if (event.job != JobId{}) draft.item.job = event.job;
        if (event.lease != LeaseId{}) draft.item.lease = event.lease;
        return true;
    }
    bool tell(const protocol::ProviderRegistered& event) const {
        about_provider(state, event.provider, draft);
        draft.item.body = boost::json::object{{"key", to_string(event.key)}};
        return true;
    }
    bool tell(const protocol::OfferPublished& event) const {
        about_provider(state, event.provider, draft);
        draft.item.body = boost::json::object{{"name", event.offer.name},
                                              {"capacity", json::write(event.offer.capacity)},
                                              {"price", json::write(event.offer.price)}};
        return true;
    }
    bool tell(const protocol::ProviderVerified& event) const {
        about_provider(state, event.provider, draft);
        draft.item.body = boost::json::object{{"verified", event.verified}};
        return true;
    }
    bool tell(const protocol::AccountWeighted& event) const {
        draft.parties.insert(event.account);
        draft.item.body =
            boost::json::object{{"account", to_string(event.account)}, {"weight", event.weight}};
        return true;
    }
    bool tell(const protocol::AccountLimited& event) const {
        draft.parties.insert(event.account);
        draft.item.body = boost::json::object{{"account", to_string(event.account)},
                                              {"limits", json::write(event.limits)},
                                              {"by", json::write(event.by)}};
        return true;
    }
    bool tell(const protocol::KeyLimited& event) const {
        const auto found = state.keys.find(event.key);
        if (found != state.keys.end()) draft.parties.insert(found->second.account);
        draft.item.body =
            boost::json::object{{"key", to_string(event.key)}, {"rate", json::write(event.rate)}};
        return true;
    }
    bool tell(const protocol::AccountFrozen& event) const {
        draft.parties.insert(event.account);
        draft.item.body = boost::json::object{{"account", to_string(event.account)},
                                              {"frozen", event.frozen},
                                              {"reason", to_display(event.reason)}};
        return true;
    }
    bool tell(const protocol::AccountErased& event) const {
        draft.item.body = boost::json::object{{"account", to_string(event.account)}};
        return true;
    }
    bool tell(const protocol::OperatorActed& event) const {
        draft.item.body = json::write(event);
        return true;
    }
    bool tell(const protocol::SecretSet& event) const {
        draft.parties.insert(event.account);
        draft.item.body = boost::json::object{{"secret", event.secret}};
        return true;
    }
    bool tell(const protocol::SecretRemoved& event) const {
        draft.parties.insert(event.account);
        draft.item.body = boost::json::object{{"secret", event.secret}};
        return true;
    }
    bool tell(const protocol::JobSubmitted& event) const {
        about_job(state, event.job, draft);
        draft.item.body = boost::json::object{{"name", event.spec.name},
                                              {"tasks", event.tasks.size()},
                                              {"hold", to_string(event.hold)}};
        return true;
    }
    bool tell(const protocol::WorkflowSubmitted& event) const {
        draft.parties.insert(event.account);
        draft.item.body = boost::json::object{{"workflow", to_string(event.workflow)},
                                              {"name", event.title},
                                              {"steps", json::write(event.steps)}};
        return true;
    }
    bool tell(const protocol::InputsResolved& event) const {
        about_job(state, event.job, draft);
        draft.item.body = boost::json::object{{"inputs", json::write(event.inputs)}};
        return true;
    }
    bool tell(const protocol::TaskReused& event) const {
        about_task(state, event.task, draft);
        draft.item.lease = event.lease;
        draft.item.body = boost::json::object{{"lease", to_string(event.lease)},
                                              {"verified", event.verified},
                                              {"charge", to_string(event.charge)},
                                              {"fee", to_string(event.fee)}};
        return true;
    }
    bool tell(const protocol::LeaseGranted& event) const {
        about_attempt(state, event.lease, draft);
        draft.item.body = boost::json::object{{"reserve", to_string(event.reserve)},
                                              {"time_max", json::write(event.time_max)}};
        return true;
    }
    bool tell(const protocol::LeaseRenewed& /*event*/) const { return false; }
    bool tell(const protocol::AttemptStarted& event) const {
        about_attempt(state, event.lease, draft);
        return true;
    }
    bool tell(const protocol::AttemptExited& event) const {
        about_attempt(state, event.lease, draft);
        draft.item.body = boost::json::object{{"reason", json::write(event.outcome.reason)},
                                              {"detail", to_display(event.outcome.detail)},
                                              {"ran", json::write(event.ran)}};
        return true;
    }
    bool tell(const protocol::AttemptEnded& event) const {
        about_attempt(state, event.lease, draft);
        draft.item.body = boost::json::object{
            {"reason", json::write(event.reason)},  {"detail", to_display(event.detail)},
            {"ran", json::write(event.ran)},        {"charge", to_string(event.charge)},
            {"fee", to_string(event.fee)},          {"artifacts", event.artifacts.size()},
            {"metrics", json::write(event.metrics)}};
        return true;
    }
    bool tell(const protocol::TaskRequeued& event) const {
        about_task(state, event.task, draft);
        draft.item.body = boost::json::object{{"reason", json::write(event.reason)},
                                              {"not_before", json::write(event.not_before)}};
        return true;
    }
    bool tell(const protocol::TaskEnded& event) const {
        about_task(state, event.task, draft);
        draft.item.body = boost::json::object{{"state", json::write(event.state)},
                                              {"reason", json::write(event.reason)}};
        return true;
    }
    bool tell(const protocol::JobEnded& event) const {
        about_job(state, event.job, draft);
        draft.item.body = boost::json::object{{"state", json::write(event.state)},
                                              {"reason", json::write(event.reason)}};
        return true;
    }
    bool tell(const protocol::ReceiptIssued& event) const {
        about_job(state, event.job, draft);
        draft.item.body = boost::json::object{{"receipt", to_string(event.receipt)}};
        return true;
    }
};

Time time_of(const protocol::Event& event) {
    return std::visit(
        [](const auto& it) {
            if constexpr (requires { it.at; }) {
                return it.at;
            } else {
                return Time{};  // of what is not told
            }
        },
        event);
}

}  // namespace

bool may_see(const Principal& principal, const FeedDraft& draft) {
    return principal.role == protocol::Role::operator_ || draft.parties.contains(principal.account);
}

Result<FeedFilter> read_feed_filter(const std::map<std::string, std::string>& query) {
    FeedFilter filter;
    for (const auto& [name, value] : query) {
        if (name == "job") {
            filter.job = TRY(parse_id<JobTag>(value));
        } else if (name == "name") {
            filter.name = value;
        } else if (name == "after") {
            const char* end = value.data() + value.size();
            const auto read = std::from_chars(value.data(), end, filter.after);
            if (read.ec != std::errc{} || read.ptr != end) {
                return Error{Code::invalid, "after: expected a sequence number"};
            }
        } else {
            return Error{Code::invalid, name + ": unknown; the feed knows job, name and after"};
        }
    }
    return filter;
}

bool passes(const FeedFilter& filter, const FeedItem& item) {
    if (filter.job && item.job != filter.job) return false;
    if (!item.name.starts_with(filter.name)) return false;
    return item.sequence == 0 || item.sequence > filter.after;
}

std::optional<FeedDraft> feed_draft(const State& state, std::uint64_t sequence,
                                    const protocol::Event& event) {
    Draft draft;
    draft.item.sequence = sequence;
    draft.item.at = time_of(event);
    draft.item.name = protocol::event_name(event);
    draft.item.body = boost::json::object();
    const Telling telling{state, draft};
    const bool is_told = std::visit([&](const auto& it) { return telling.tell(it); }, event);
    if (!is_told) return std::nullopt;
    return draft;
}

std::vector<FeedDraft> feed_drafts(const State& state, const protocol::session::Said& said,
                                   Time now) {
    Draft draft;
    draft.item.at = now;
    about_attempt(state, said.lease, draft);
    std::vector<FeedDraft> drafts;
    if (!draft.item.lease) return drafts;
    const auto add = [&](std::string_view name, boost::json::object body) {
        drafts.push_back(draft);
        drafts.back().item.name = name;
        drafts.back().item.body = std::move(body);
    };
    if (!said.log.empty()) {
        add("log", {{"offset", said.log_offset}, {"text", to_display(said.log)}});
    }
    for (const auto& point : said.metrics) {
        add("metric", {{"step", point.step}, {"values", json::write(point.values)}});
    }
    if (said.progress) add("progress", {{"progress", json::write(*said.progress)}});
    return drafts;
}

std::optional<FeedItem> feed_item(const State& state, const Principal& principal,
                                  std::uint64_t sequence, const protocol::Event& event) {
    auto draft = feed_draft(state, sequence, event);
    if (!draft || !may_see(principal, *draft)) return std::nullopt;
    return std::move(draft)->item;
}

std::vector<FeedItem> feed_items(const State& state, const Principal& principal,
                                 const protocol::session::Said& said, Time now) {
    std::vector<FeedItem> items;
    for (FeedDraft& draft : feed_drafts(state, said, now)) {
        if (may_see(principal, draft)) items.push_back(std::move(draft.item));
    }
    return items;
}

}  // namespace shoal::market
