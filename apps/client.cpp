#include "apps/client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <thread>

#include <fmt/format.h>

#include "apps/exit.h"
#include "core/json.h"
#include "core/limits.h"

namespace shoal::apps {

namespace {

constexpr std::size_t everything = static_cast<std::size_t>(-1);
constexpr std::size_t answer_bytes_max = std::size_t{64} << 20U;
constexpr std::size_t log_piece_bytes = std::size_t{8} << 20U;
constexpr int status_partial = 206;
constexpr int status_unauthorised = 401;
constexpr int status_payment_required = 402;
constexpr int status_forbidden = 403;
constexpr int status_no_range = 416;
constexpr int status_refused_min = 400;
constexpr int busy_tries = 3;

constexpr std::array codes{Code::invalid,   Code::denied,     Code::not_found,   Code::conflict,
                           Code::exhausted, Code::stale,      Code::unavailable, Code::timeout,
                           Code::corrupt,   Code::unsupported};

Code code_of(std::string_view name) {
    const auto found = std::ranges::find(codes, name, [](Code code) { return to_string(code); });
    return found == codes.end() ? Code::corrupt : *found;
}

template <class T>
Result<T> read_answer(const std::string& text) {
    const json::Value value = TRY(json::parse(text, answer_bytes_max));
    return json::read<T>(value, json::Reader::tolerant);
}

template <class T>
Result<T> understood(const std::string& text) {
    auto answer = read_answer<T>(text);
    if (answer.ok()) return answer;
    return Error{Code::corrupt, "the market's answer is not understood: " + answer.error().what};
}

template <class Body>
std::string body_of(const Body& body) {
    return json::print(body);
}

std::string path_of(std::string_view what, const std::string& id, std::string_view part = "") {
    return fmt::format("/v1/{}/{}{}", what, io::encode_segment(id), part);
}

template <class Tag>
std::string path_of(std::string_view what, Id<Tag> id, std::string_view part = "") {
    return path_of(what, to_string(id), part);
}

/// What to do about a refusal that says nothing about it itself.
std::string_view advice_for(int status, std::string_view message, bool is_anonymous) {
    if (message == "no such job") return "`shoal jobs` lists yours.";
    if (message == "no such workflow") return "`shoal workflows` lists yours.";
    if (message == "no such provider") return "`shoal providers` lists them.";
    if (status == status_forbidden && message.find("role") != std::string_view::npos) {
        return "`shoal account show` tells your key's role; --key-file names another key.";
    }
    if (status == status_unauthorised && is_anonymous) {
        return "Name your key's file with --key-file, or set SHOAL_KEY.";
    }
    if (status == status_unauthorised) return "Is this the key of an account of this market?";
    if (status == status_payment_required) {
        return "`shoal account show` tells what you have; the operator issues credit.";
    }
    return "";
}

/// How long to wait before asking again, if the market answered that this was one too many.
std::optional<Duration> wait_wanted(const Result<io::Reply>& reply) {
    constexpr int status_too_many = 429;
    constexpr int seconds_max = 60;
    if (!reply.ok() || reply.value().status != status_too_many) return std::nullopt;
    const std::string* text = io::find(reply.value().headers, "retry-after");
    int seconds = 0;
    if (!text) return std::nullopt;
    const char* end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, seconds);
    if (read.ec != std::errc{} || read.ptr != end || seconds < 0) return std::nullopt;
    return std::chrono::seconds{std::min(seconds, seconds_max)};
}

Error unreachable(Error error, const io::BaseUrl& market) {
    if (error.code != Code::unavailable && error.code != Code::timeout) return error;
    const std::string place = "cannot reach the market at " + to_string(market);
    if (!error.what.starts_with(place)) error.what = place + ": " + error.what;
    return advise(std::move(error),
                  "`shoal up` starts one on this machine; --market says where another is.");
}

}  // namespace

Client::Client(io::BaseUrl market, std::string key)
    : market_(market), key_(std::move(key)), http_(std::move(market)) {}

Client::~Client() = default;

io::Call Client::authorised(std::string method, std::string target) const {
    io::Call call;
    call.method = std::move(method);
    call.target = std::move(target);
    if (!key_.empty()) call.headers.push_back({"Authorization", "Bearer " + key_});
    return call;
}

Error Client::refusal_of(const io::Reply& reply) {
    refused_status_ = reply.status;
    auto problem = read_answer<protocol::Problem>(reply.body);
    if (!problem.ok() || problem.value().message.empty()) {
        return {Code::corrupt, fmt::format("the market answered with status {}", reply.status)};
    }
    const protocol::Problem& said = problem.value();
    Error error{code_of(said.code), said.message};
    const bool is_placed = said.path.empty() || said.message.starts_with(said.path);
    if (!is_placed) error.what = said.path + ": " + error.what;
    const std::string_view advice = said.hint.empty()
                                        ? advice_for(reply.status, said.message, key_.empty())
                                        : std::string_view(said.hint);
    return advise(std::move(error), advice);
}

/// The reply, unless the market was not reached or refused.
Result<io::Reply> Client::accepted(Result<io::Reply> reply) {
    refused_status_ = 0;
    if (!reply.ok()) return unreachable(std::move(reply).error(), market_);
    if (reply.value().status >= status_refused_min) return refusal_of(reply.value());
    return reply;
}

/// A request too many was not looked at: it is sent again when the market has said.
Result<std::string> Client::call(io::Call call) {
    for (int left = busy_tries;; --left) {
        Result<io::Reply> reply = http_.call(call);
        const auto wait = wait_wanted(reply);
        if (wait && left > 0) {
            std::this_thread::sleep_for(*wait);
            continue;
        }
        io::Reply good = TRY(accepted(std::move(reply)));
        return std::move(good.body);
    }
}

template <class Answer>
Result<Answer> Client::get(std::string target) {
    return send<Answer>(authorised("GET", std::move(target)));
}

template <class Answer>
Result<Answer> Client::send(io::Call call) {
    if (!call.body.empty()) call.headers.push_back({"Content-Type", "application/json"});
    return understood<Answer>(TRY(this->call(std::move(call))));
}

template <class Page>
Result<decltype(Page::items)> Client::list(const std::string& target, std::size_t count_max) {
    decltype(Page::items) all;
    std::string cursor;
    while (all.size() < count_max) {
        const std::size_t wanted = std::min(limits::page_max, count_max - all.size());
        std::string page_target = fmt::format(
            "{}{}limit={}", target, target.find('?') != std::string::npos ? "&" : "?", wanted);
        if (!cursor.empty()) page_target += "&cursor=" + io::encode_segment(cursor);
        auto page = TRY(get<Page>(std::move(page_target)));
        std::ranges::move(page.items, std::back_inserter(all));
        if (!page.next || page.next->empty()) break;
        cursor = *page.next;
    }
    return all;
}

// --- accounts ------------------------------------------------------------------------------------

Result<protocol::Health> Client::ready() {
    return get<protocol::Health>("/readyz");
}

Result<protocol::AccountView> Client::me() {
    return get<protocol::AccountView>("/v1/accounts/me");
}

Result<protocol::AccountView> Client::create_account() {
    return send<protocol::AccountView>(authorised("POST", "/v1/accounts"));
}

Result<protocol::AccountView> Client::account(AccountId id) {
    return get<protocol::AccountView>(path_of("accounts", id));
}

Result<std::vector<protocol::AccountView>> Client::accounts() {
    return list<protocol::AccountPage>("/v1/accounts", everything);
}

Result<protocol::KeyView> Client::create_key(AccountId id, protocol::Role role) {
    io::Call call = authorised("POST", path_of("accounts", id, "/keys"));
    call.body = body_of(protocol::KeyRequest{role});
    return send<protocol::KeyView>(std::move(call));
}

Result<std::vector<protocol::KeyView>> Client::keys(AccountId id) {
    return list<protocol::KeyPage>(path_of("accounts", id, "/keys"), everything);
}

Result<protocol::KeyView> Client::revoke_key(KeyId id) {
    return send<protocol::KeyView>(authorised("DELETE", path_of("keys", id)));
}

Result<protocol::AccountView> Client::issue_credit(AccountId id, Lamports amount,
                                                   const std::string& request) {
    io::Call call = authorised("POST", path_of("accounts", id, "/credit"));
    call.headers.push_back({"Idempotency-Key", request});
    call.body = body_of(protocol::CreditRequest{amount});
    return send<protocol::AccountView>(std::move(call));
}

Result<protocol::AccountView> Client::weigh(AccountId id, std::uint32_t weight) {
    io::Call call = authorised("PUT", path_of("accounts", id, "/weight"));
    call.body = body_of(protocol::WeightRequest{weight});
    return send<protocol::AccountView>(std::move(call));
}

Result<protocol::ProviderView> Client::verify(ProviderId id, bool verified) {
    io::Call call = authorised("PUT", path_of("providers", id, "/verified"));
    call.body = body_of(protocol::VerifiedRequest{verified});
    return send<protocol::ProviderView>(std::move(call));
}

Result<protocol::SecretView> Client::set_secret(const std::string& name, const std::string& value) {
    io::Call call = authorised("PUT", "/v1/secrets/" + name);
    call.body = body_of(protocol::SecretRequest{value});
    return send<protocol::SecretView>(std::move(call));
}

Result<std::vector<protocol::SecretView>> Client::secrets() {
    return list<protocol::SecretPage>("/v1/secrets", everything);
}

Result<protocol::SecretView> Client::remove_secret(const std::string& name) {
    return send<protocol::SecretView>(authorised("DELETE", "/v1/secrets/" + name));
}

Status Client::statement(AccountId id, const Interval& when, const TakeLines& take) {
    std::string target =
        fmt::format("{}?limit={}", path_of("accounts", id, "/statement"), limits::page_max);
    const auto add = [&](std::string_view name, const std::optional<Time>& time) {
        if (time) target += fmt::format("&{}={}", name, time->time_since_epoch().count());
    };
    add("since", when.since);
    add("until", when.until);
    std::string cursor;
    for (;;) {
        const auto page =
            TRY(get<protocol::StatementPage>(cursor.empty() ? target : target + cursor));
        take(page.items);
        if (!page.next || page.next->empty()) return Done{};
        cursor = "&cursor=" + io::encode_segment(*page.next);
    }
}

Result<protocol::LimitsView> Client::limits(AccountId id) {
    return get<protocol::LimitsView>(path_of("accounts", id, "/limits"));
}

Result<protocol::LimitsView> Client::limit(AccountId id, const protocol::AccountLimits& limits) {
    io::Call call = authorised("PUT", path_of("accounts", id, "/limits"));
    call.body = body_of(limits);
    return send<protocol::LimitsView>(std::move(call));
}

Result<protocol::KeyView> Client::limit_key(KeyId id, const protocol::RateRequest& rate) {
    io::Call call = authorised("PUT", path_of("keys", id, "/rate"));
    call.body = body_of(rate);
    return send<protocol::KeyView>(std::move(call));
}

Result<protocol::AccountView> Client::freeze(AccountId id, const protocol::FreezeRequest& asked) {
    io::Call call = authorised("PUT", path_of("accounts", id, "/frozen"));
    call.body = body_of(asked);
    return send<protocol::AccountView>(std::move(call));
}

Result<protocol::AccountView> Client::transfer(AccountId id, const protocol::TransferOrder& order,
                                               const std::string& request) {
    io::Call call = authorised("POST", path_of("accounts", id, "/transfers"));
    call.headers.push_back({"Idempotency-Key", request});
    call.body = body_of(order);
    return send<protocol::AccountView>(std::move(call));
}

Result<protocol::AccountView> Client::erase(AccountId id, Rest rest) {
    const std::string_view query = rest == Rest::given_up ? "?gives_up_balance=true" : "";
    return send<protocol::AccountView>(authorised("DELETE", path_of("accounts", id, query)));
}

Result<std::vector<protocol::OperatorActed>> Client::audit(const std::string& subject,
                                                           std::uint32_t count_max) {
    const std::string about = subject.empty() ? "" : "?subject=" + io::encode_segment(subject);
    return list<protocol::AuditPage>("/v1/audit" + about, count_max);
}

Result<protocol::Books> Client::books() {
    return get<protocol::Books>("/v1/books");
}

// --- jobs ----------------------------------------------------------------------------------------

Result<protocol::JobView> Client::submit(const protocol::JobSpec& spec,
                                         const std::string& request) {
    io::Call call = authorised("POST", "/v1/jobs");
    call.headers.push_back({"Idempotency-Key", request});
    call.body = body_of(spec);
    return send<protocol::JobView>(std::move(call));
}

Result<protocol::Quote> Client::quote(const protocol::JobSpec& spec) {
    io::Call call = authorised("POST", "/v1/quotes");
    call.body = body_of(spec);
    return send<protocol::Quote>(std::move(call));
}

Result<std::vector<protocol::JobView>> Client::jobs(const std::string& state,
                                                    std::uint32_t count_max) {
    const std::string target =
        state.empty() ? "/v1/jobs" : "/v1/jobs?state=" + io::encode_segment(state);
    return list<protocol::JobPage>(target, count_max);
}

Result<protocol::JobView> Client::job(JobId id) {
    return get<protocol::JobView>(path_of("jobs", id));
}

Result<protocol::JobView> Client::cancel(JobId id) {
    return send<protocol::JobView>(authorised("POST", path_of("jobs", id, "/cancel")));
}

Result<protocol::WorkflowView> Client::submit(const protocol::WorkflowSpec& spec,
                                              const std::string& request) {
    io::Call call = authorised("POST", "/v1/workflows");
    call.headers.push_back({"Idempotency-Key", request});
    call.body = body_of(spec);
    return send<protocol::WorkflowView>(std::move(call));
}

Result<std::vector<protocol::WorkflowView>> Client::workflows(std::uint32_t count_max) {
    return list<protocol::WorkflowPage>("/v1/workflows", count_max);
}

Result<protocol::WorkflowView> Client::workflow(WorkflowId id) {
    return get<protocol::WorkflowView>(path_of("workflows", id));
}

Result<protocol::WorkflowView> Client::cancel(WorkflowId id) {
    return send<protocol::WorkflowView>(authorised("POST", path_of("workflows", id, "/cancel")));
}

Result<protocol::JobWhy> Client::why(JobId id) {
    return get<protocol::JobWhy>(path_of("jobs", id, "/why"));
}

Result<protocol::TaskWhy> Client::why(TaskId id) {
    return get<protocol::TaskWhy>(path_of("tasks", id, "/why"));
}

Result<std::vector<protocol::TaskView>> Client::tasks(JobId id) {
    return list<protocol::TaskPage>(path_of("jobs", id, "/tasks"), everything);
}

Result<std::vector<protocol::AttemptView>> Client::attempts(JobId id) {
    return list<protocol::AttemptPage>(path_of("jobs", id, "/attempts"), everything);
}

Result<std::vector<protocol::ArtifactView>> Client::artifacts(JobId id) {
    return list<protocol::ArtifactPage>(path_of("jobs", id, "/artifacts"), everything);
}

Result<protocol::Receipt> Client::receipt(JobId id) {
    return get<protocol::Receipt>(path_of("jobs", id, "/receipt"));
}

/// A running attempt's log is told by the market from memory, with what to ask for next; one that
/// has ended is a blob, of which ranges can be had.
Result<Client::LogPiece> Client::log(LeaseId id, std::uint64_t from) {
    io::Call call = authorised("GET", path_of("attempts", id, fmt::format("/log?from={}", from)));
    call.headers.push_back({"Range", fmt::format("bytes={}-{}", from, from + log_piece_bytes - 1)});
    auto answered = http_.call(std::move(call));
    if (answered.ok() && answered.value().status == status_no_range)
        return LogPiece{"", from, from};
    io::Reply reply = TRY(accepted(std::move(answered)));
    const std::string* next = io::find(reply.headers, "shoal-log-next");
    if (!next && reply.status != status_partial) reply.body.erase(0, from);
    LogPiece piece{std::move(reply.body), 0, 0};
    piece.next = piece.end = from + piece.bytes.size();
    if (!next) return piece;
    std::from_chars(next->data(), next->data() + next->size(), piece.next);
    // The market forgets the beginning of a long log: then the bytes begin later than at `from`.
    piece.end = std::max(piece.end, piece.next);
    if (piece.bytes.empty() || piece.next > from) return piece;
    return Error{Code::corrupt, "the market's log does not go on"};
}

// --- providers, blobs, the feed ------------------------------------------------------------------

Result<std::vector<protocol::ProviderView>> Client::providers() {
    return list<protocol::ProviderPage>("/v1/providers", everything);
}

Result<protocol::ProviderView> Client::provider(ProviderId id) {
    return get<protocol::ProviderView>(path_of("providers", id));
}

Result<protocol::ProviderWhy> Client::why(ProviderId id) {
    return get<protocol::ProviderWhy>(path_of("providers", id, "/why"));
}

Status Client::fetch_blob(const Hash& hash, const std::filesystem::path& path,
                          std::uint64_t size_bytes) {
    io::Call call = authorised("GET", path_of("blobs", to_string(hash)));
    auto fetched = http_.fetch_file(std::move(call), path, size_bytes);
    refused_status_ = 0;
    if (!fetched.ok()) return unreachable(std::move(fetched).error(), market_);
    if (const auto& refused = fetched.value().refused) return refusal_of(*refused);
    return Done{};
}

Result<io::MessageFeed> Client::feed(std::optional<JobId> job,
                                     std::optional<std::uint64_t> after) const {
    io::WebSocketCall call;
    call.server = market_;
    call.target = "/v1/events";
    char separator = '?';
    const auto ask = [&](std::string_view name, const std::string& value) {
        call.target += fmt::format("{}{}={}", separator, name, io::encode_segment(value));
        separator = '&';
    };
    if (job) ask("job", to_string(*job));
    if (after) ask("after", std::to_string(*after));
    if (!key_.empty()) call.headers.push_back({"Authorization", "Bearer " + key_});
    auto feed = io::MessageFeed::open(std::move(call));
    if (feed.ok()) return feed;
    return unreachable(std::move(feed).error(), market_);
}

Result<std::vector<protocol::FeedItem>> read_feed_items(std::string_view message) {
    std::vector<protocol::FeedItem> items;
    for (std::size_t at = 0; at <= message.size();) {
        const std::size_t end = std::min(message.find('\n', at), message.size());
        const json::Value value =
            TRY(json::parse(message.substr(at, end - at), limits::message_bytes));
        items.push_back(TRY(json::read<protocol::FeedItem>(value, json::Reader::tolerant)));
        at = end + 1;
    }
    return items;
}

}  // namespace shoal::apps
