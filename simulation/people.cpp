#include "simulation/people.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/json.h"
#include "protocol/api.h"
#include "protocol/receipt.h"

namespace shoal::simulation {

using market::ApiAnswer;
using market::ApiRequest;

namespace {

constexpr int refusals = 400;
constexpr int failures = 500;

template <class T>
std::optional<T> read(const ApiAnswer& answer) {
    if (answer.status >= refusals) return std::nullopt;
    const auto value = json::parse(answer.body, answer.body.size());
    if (!value.ok()) return std::nullopt;
    auto thing = json::read<T>(value.value(), json::Reader::tolerant);
    if (!thing.ok()) return std::nullopt;
    return std::move(thing).value();
}

std::optional<Code> code_of(const ApiAnswer& answer) {
    constexpr std::array codes{Code::invalid,   Code::denied,     Code::not_found,   Code::conflict,
                               Code::exhausted, Code::stale,      Code::unavailable, Code::timeout,
                               Code::corrupt,   Code::unsupported};
    const auto value = json::parse(answer.body, answer.body.size());
    if (!value.ok()) return std::nullopt;
    const auto problem = json::read<protocol::Problem>(value.value(), json::Reader::tolerant);
    if (!problem.ok()) return std::nullopt;
    for (const Code code : codes) {
        if (to_string(code) == problem.value().code) return code;
    }
    return std::nullopt;
}

}  // namespace

// --- Client --------------------------------------------------------------------------------------

ApiRequest Client::get(std::string path) const {
    ApiRequest request;
    request.method = "GET";
    request.path = std::move(path);
    request.headers["authorization"] = "Bearer " + secret_;
    return request;
}

ApiRequest Client::post(std::string path, std::string body) const {
    ApiRequest request = get(std::move(path));
    request.method = "POST";
    request.body = std::move(body);
    request.headers["content-type"] = "application/json";
    return request;
}

void Client::note(const ApiAnswer& answer) {
    if (answer.status < refusals) return;
    const auto code = code_of(answer);
    if (!code) return stage_.fail("a refusal is a problem: " + answer.body);
    stage_.refused(*code);
}

void Client::ask(const ApiRequest& request, const Heard& heard) {
    wire_.request({request, {}, {}}, [this, heard](const Result<ApiAnswer>& answer) {
        if (!answer.ok()) return;
        note(answer.value());
        if (heard) heard(answer.value());
    });
}

void Client::upload(const Hash& hash, std::uint64_t size_bytes, const Heard& heard) {
    ApiRequest request = get("/v1/blobs/" + to_string(hash));
    request.method = "PUT";
    wire_.request({request, size_bytes, {}}, [this, heard](const Result<ApiAnswer>& answer) {
        if (!answer.ok()) return;
        note(answer.value());
        if (heard) heard(answer.value());
    });
}

void Client::insist(ApiRequest request, const Heard& heard) {
    request.headers["idempotency-key"] = fmt::format("{}-{}", name_, ++keys_);
    try_again(request, heard);
}

void Client::try_again(const ApiRequest& request, const Heard& heard) {
    wire_.request({request, {}, {}}, [this, request, heard](const Result<ApiAnswer>& answer) {
        const bool is_final = answer.ok() && answer.value().status < failures;
        if (answer.ok()) note(answer.value());
        if (is_final) return heard(answer.value());
        stage_.later(stage_.between(500, 5'000),
                     [this, request, heard] { try_again(request, heard); });
    });
}

// --- Operator ------------------------------------------------------------------------------------

Operator::Operator(Stage& stage, Wire& wire, const MarketCore& core)
    : stage_(stage), core_(core), client_(stage, wire, "operator") {}

void Operator::enrol(protocol::Role role, Lamports credit, const Enrolled& enrolled) {
    if (core_.operator_secret().empty() || !core_.facts().has_account(AccountId{1})) {
        stage_.later(Duration{200},
                     [this, role, credit, enrolled] { enrol(role, credit, enrolled); });
        return;
    }
    client_.set_secret(core_.operator_secret());
    client_.insist(client_.post("/v1/accounts", ""), [=, this](const ApiAnswer& answer) {
        const auto view = read<protocol::AccountView>(answer);
        if (view) return make_key(view->account, role, credit, enrolled);
        // The first operator's key was not durable: the market has made another one.
        stage_.later(Duration{500}, [=, this] { enrol(role, credit, enrolled); });
    });
}

void Operator::make_key(AccountId account, protocol::Role role, Lamports credit,
                        const Enrolled& enrolled) {
    const char* word = role == protocol::Role::buyer ? "buyer" : "provider";
    client_.insist(client_.post("/v1/accounts/" + to_string(account) + "/keys",
                                fmt::format(R"({{"role":"{}"}})", word)),
                   [=, this](const ApiAnswer& answer) {
                       const auto view = read<protocol::KeyView>(answer);
                       if (!view) return stage_.fail("a key is made: " + answer.body);
                       // A repeated answer has no secret: then another key is made.
                       if (!view->secret) return make_key(account, role, credit, enrolled);
                       const std::string secret = *view->secret;
                       if (credit == Lamports{}) return enrolled(account, secret);
                       issue(account, credit, [=] { enrolled(account, secret); });
                   });
}

void Operator::issue(AccountId account, Lamports amount, const std::function<void()>& then) {
    asked_[account] = asked_[account] + amount;
    client_.insist(client_.post("/v1/accounts/" + to_string(account) + "/credit",
                                fmt::format(R"({{"amount":"{}"}})", amount.value)),
                   [=, this](const ApiAnswer& answer) {
                       if (answer.status >= refusals) {
                           if (core_.facts().is_erased(account)) return;
                           return stage_.fail("credit is issued: " + answer.body);
                       }
                       answered_[account] = answered_[account] + amount;
                       if (then) then();
                   });
}

void Operator::act() {
    if (stage_.healed()) return;
    stage_.later(stage_.between(2'000, 30'000), [this] { act(); });
    if (asked_.empty()) return;
    const AccountId account = stage_.random().pick(asked_).first;
    switch (stage_.random().below(15)) {
        case 0:
            return issue(account, Lamports{1'000'000}, {});
        case 1:
            return revoke_one();
        case 2:
            return client_.ask(client_.get("/v1/books"), {});
        case 3:
            return client_.ask(client_.get("/v1/accounts"), {});
        case 4:
            return client_.ask(client_.get("/readyz"), {});
        case 5:
            return client_.ask(client_.get("/v1/accounts/" + to_string(account) + "/statement"),
                               {});
        case 6:
            return client_.ask(client_.get("/v1/providers"), {});
        case 7:
            return say("/v1/accounts/" + to_string(account) + "/weight",
                       fmt::format(R"({{"weight":{}}})", stage_.random().between(1, 400)));
        case 8:
            return say("/v1/providers/prov_1/verified", stage_.random().percent(70)
                                                            ? R"({"verified":true})"
                                                            : R"({"verified":false})");
        case 9:
            return client_.ask(client_.get("/v1/audit"), {});
        case 10:
            return client_.ask(client_.get("/v1/accounts/" + to_string(account) + "/limits"), {});
        case 11:
            return freeze(account);
        case 12:
            return limit(account);
        case 13:
            return limit_key();
        default:
            return client_.ask(client_.get("/metrics"), {});
    }
}

void Operator::say(const std::string& path, const std::string& body) {
    ApiRequest request = client_.post(path, body);
    request.method = "PUT";
    client_.ask(request, {});
}

/// For a while; also a provider's account.
void Operator::freeze(AccountId account) {
    constexpr unsigned of_all = 30;
    constexpr std::uint64_t accounts = 8;
    if (stage_.random().percent(of_all)) account = AccountId{stage_.random().between(1, accounts)};
    const std::string path = "/v1/accounts/" + to_string(account) + "/frozen";
    say(path, R"({"frozen":true,"reason":"it is looked into"})");
    stage_.later(stage_.between(1'000, 300'000), [this, path] {
        ApiRequest request = client_.post(path, R"({"frozen":false})");
        request.method = "PUT";
        client_.insist(request, [](const ApiAnswer&) {});
    });
}

void Operator::limit(AccountId account) {
    Random& random = stage_.random();
    const std::string path = "/v1/accounts/" + to_string(account) + "/limits";
    constexpr unsigned none = 40;
    if (random.percent(none)) return say(path, "{}");
    say(path, fmt::format(R"({{"budget_total":"{}","budget_day":"{}","jobs_open":{},)"
                          R"("tasks_open":{},"blobs":"{}"}})",
                          random.between(1'000'000, 2'000'000'000),
                          random.between(1'000'000, 500'000'000), random.between(1, 20),
                          random.between(1, 60), random.between(100, 10'000)));
}

/// Of a buyer or a provider: what is one too many is asked again later, or not at all.
void Operator::limit_key() {
    Random& random = stage_.random();
    const std::string path = "/v1/keys/" + to_string(KeyId{random.between(2, 8)}) + "/rate";
    constexpr unsigned none = 40;
    if (random.percent(none)) return say(path, "{}");
    say(path, fmt::format(R"({{"rate":{{"per_second":{},"burst":{}}}}})", random.between(1, 20),
                          random.between(1, 10)));
}

void Operator::revoke_one() {
    const AccountId own{1};
    client_.insist(client_.post("/v1/accounts/" + to_string(own) + "/keys", R"({"role":"buyer"})"),
                   [this](const ApiAnswer& answer) {
                       const auto view = read<protocol::KeyView>(answer);
                       if (!view) return;
                       ApiRequest revoke = client_.get("/v1/keys/" + to_string(view->key));
                       revoke.method = "DELETE";
                       client_.ask(revoke, {});
                   });
}

void Operator::cancel_all() {
    client_.set_secret(core_.operator_secret());
    for (const auto& [id, job] : core_.market().state().jobs) {
        if (job.ended) continue;
        client_.insist(client_.post("/v1/jobs/" + to_string(id) + "/cancel", ""),
                       [](const ApiAnswer&) {});
    }
}

void Operator::check_credit() const {
    for (const auto& [account, asked] : asked_) {
        const Lamports given = core_.facts().credited(account);
        const auto answered = answered_.find(account);
        const Lamports least = answered == answered_.end() ? Lamports{} : answered->second;
        if (given >= least && given <= asked) continue;
        stage_.fail(fmt::format("credit is given once: {} has {}, asked for were {}",
                                to_string(account), given.value, asked.value));
    }
}

}  // namespace shoal::simulation
