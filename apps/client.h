#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/id.h"
#include "core/result.h"
#include "io/http_client.h"
#include "io/url.h"
#include "io/websocket_client.h"
#include "protocol/api.h"
#include "protocol/api_market.h"
#include "protocol/api_secrets.h"
#include "protocol/api_workflow.h"
#include "protocol/receipt.h"
#include "protocol/workflow.h"

namespace shoal::apps {

/// A market's REST API, as typed calls of one account.
///
/// Errors of all calls: what io::HttpClient says if the market cannot be reached or trusted;
/// corrupt: the answer is not what the API promises; else the code of the market's refusal, its
/// message and, as a second line, its hint.
class Client {
public:
    /// `key` may be empty: the market then refuses what wants one.
    Client(io::BaseUrl market, std::string key);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// The HTTP status of the last call, if that was a refusal; else zero.
    int refused_status() const { return refused_status_; }
    const io::BaseUrl& market() const { return market_; }

    Result<protocol::Health> ready();
    Result<protocol::AccountView> me();
    Result<protocol::AccountView> create_account();
    Result<protocol::AccountView> account(AccountId);
    Result<std::vector<protocol::AccountView>> accounts();
    Result<protocol::KeyView> create_key(AccountId, protocol::Role);
    Result<std::vector<protocol::KeyView>> keys(AccountId);
    Result<protocol::KeyView> revoke_key(KeyId);
    Result<protocol::AccountView> weigh(AccountId, std::uint32_t weight);
    Result<protocol::ProviderView> verify(ProviderId, bool verified);
    Result<protocol::AccountView> issue_credit(AccountId, Lamports, const std::string& request);
    /// From a moment on, and before another, where they are given.
    struct Interval {
        std::optional<Time> since;
        std::optional<Time> until;
    };
    using TakeLines = std::function<void(const std::vector<protocol::StatementLine>&)>;
    /// A statement page by page, oldest first.
    Status statement(AccountId, const Interval&, const TakeLines&);
    Result<protocol::LimitsView> limits(AccountId);
    Result<protocol::LimitsView> limit(AccountId, const protocol::AccountLimits&);
    Result<protocol::KeyView> limit_key(KeyId, const protocol::RateRequest&);
    Result<protocol::AccountView> freeze(AccountId, const protocol::FreezeRequest&);
    Result<protocol::AccountView> transfer(AccountId, const protocol::TransferOrder&,
                                           const std::string& request);
    enum class Rest { kept, given_up };
    Result<protocol::AccountView> erase(AccountId, Rest);
    /// The newest first; about one thing only, if its id is not empty.
    Result<std::vector<protocol::OperatorActed>> audit(const std::string& subject,
                                                       std::uint32_t count_max);
    Result<protocol::Books> books();

    Result<protocol::JobView> submit(const protocol::JobSpec&, const std::string& request);
    Result<protocol::Quote> quote(const protocol::JobSpec&);
    Result<std::vector<protocol::JobView>> jobs(const std::string& state, std::uint32_t count_max);
    Result<protocol::JobView> job(JobId);
    Result<protocol::JobView> cancel(JobId);
    Result<protocol::WorkflowView> submit(const protocol::WorkflowSpec&,
                                          const std::string& request);
    Result<std::vector<protocol::WorkflowView>> workflows(std::uint32_t count_max);
    Result<protocol::WorkflowView> workflow(WorkflowId);
    Result<protocol::WorkflowView> cancel(WorkflowId);
    Result<protocol::JobWhy> why(JobId);
    Result<protocol::TaskWhy> why(TaskId);
    Result<std::vector<protocol::TaskView>> tasks(JobId);
    Result<std::vector<protocol::AttemptView>> attempts(JobId);
    Result<std::vector<protocol::ArtifactView>> artifacts(JobId);
    Result<protocol::Receipt> receipt(JobId);

    /// A piece of an attempt's log from that place on, as far as it is known; empty at its end.
    struct LogPiece {
        std::string bytes;
        std::uint64_t next = 0;  // what to ask for to go on
        std::uint64_t end = 0;   // how many bytes of the log there are up to here
    };
    Result<LogPiece> log(LeaseId, std::uint64_t from);

    Result<protocol::SecretView> set_secret(const std::string& name, const std::string& value);
    Result<std::vector<protocol::SecretView>> secrets();
    Result<protocol::SecretView> remove_secret(const std::string& name);

    Result<std::vector<protocol::ProviderView>> providers();
    Result<protocol::ProviderView> provider(ProviderId);
    Result<protocol::ProviderWhy> why(ProviderId);

    /// Whether the market has the blob, for this account.
    Result<bool> has_blob(const Hash&);

    /// Sends it, from where an earlier upload broke off, and again if the line breaks.
    Status send_blob(const Hash&, const std::filesystem::path&);
    Status fetch_blob(const Hash&, const std::filesystem::path&, std::uint64_t size_bytes);

    /// The feed of what happens, of one job if one is given, from after that sequence number on.
    Result<io::MessageFeed> feed(std::optional<JobId>, std::optional<std::uint64_t> after) const;

private:
    Result<std::string> call(io::Call);
    io::Call authorised(std::string method, std::string target) const;
    Result<io::Reply> accepted(Result<io::Reply>);
    Error refusal_of(const io::Reply&);
    Status send_rest(const Hash&, const std::filesystem::path&);
    Result<std::optional<io::HttpClient::Part>> part_wanted(const Hash&,
                                                            const std::filesystem::path&);

    template <class Answer>
    Result<Answer> get(std::string target);
    template <class Answer>
    Result<Answer> send(io::Call);
    template <class Page>
    Result<decltype(Page::items)> list(const std::string& target, std::size_t count_max);

    io::BaseUrl market_;
    std::string key_;
    io::HttpClient http_;
    int refused_status_ = 0;
};

/// The items of one message of the feed. corrupt: it is none.
Result<std::vector<protocol::FeedItem>> read_feed_items(std::string_view message);

}  // namespace shoal::apps
