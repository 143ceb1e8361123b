#include "simulation/guest.h"

#include <fmt/format.h>

#include "core/json.h"
#include "protocol/job.h"

namespace shoal::simulation {

using market::ApiAnswer;
using market::ApiRequest;

namespace {

constexpr const char* signature = "a guest was here";

}  // namespace

void Guest::begin(AccountId account, const std::string& secret) {
    account_ = account;
    client_.set_secret(secret);
    submit();
    act();
}

void Guest::act() {
    if (core_.durable().is_erased(account_)) return;
    stage_.later(stage_.between(2'000, 60'000), [this] { act(); });
    if (stage_.healed()) return leave();
    constexpr std::uint64_t hash = 5;
    switch (stage_.random().below(6)) {
        case 0:
            return client_.upload(Hash{{hash, static_cast<std::uint8_t>(account_.value)}}, 70, {});
        case 1:
            return submit();
        case 2:
            return limit();
        case 3:
            return give();
        default:
            return leave();
    }
}

void Guest::submit() {
    protocol::JobSpec spec;
    spec.name = signature;
    spec.command = {"./work", signature};
    spec.tasks.matrix["who"].push_back(Scalar{std::string(signature)});
    spec.environment["GUEST"] = signature;
    spec.limits.time = Span{stage_.between(1'000, 60'000)};
    spec.price.max_total = Lamports{static_cast<std::int64_t>(stage_.random().between(1, 200'000))};
    client_.insist(client_.post("/v1/jobs", json::print(spec)), [](const ApiAnswer&) {});
}

void Guest::limit() {
    ApiRequest request = client_.post(
        "/v1/accounts/" + to_string(account_) + "/limits",
        fmt::format(R"({{"budget_total":"{}","jobs_open":{}}})",
                    stage_.random().between(1'000, 4'000'000), stage_.random().between(1, 4)));
    request.method = "PUT";
    client_.ask(request, {});
}

/// Also to itself, to nobody, and more than there is.
void Guest::give() {
    const AccountId to{stage_.random().between(1, 12)};
    client_.insist(client_.post("/v1/accounts/" + to_string(account_) + "/transfers",
                                fmt::format(R"({{"to":"{}","amount":"{}"}})", to_string(to),
                                            stage_.random().between(0, 3'000'000))),
                   [](const ApiAnswer&) {});
}

void Guest::leave() {
    ApiRequest request = client_.get("/v1/accounts/" + to_string(account_));
    request.method = "DELETE";
    constexpr unsigned sure = 80;
    if (stage_.random().percent(sure)) request.query["gives_up_balance"] = "true";
    client_.ask(request, [this](const ApiAnswer& answer) {
        constexpr int refusals = 400;
        if (answer.status >= refusals) return;
        if (!core_.durable().is_erased(account_)) stage_.fail("who is told so is erased");
        check_forgotten();
    });
}

void Guest::check_forgotten() const {
    if (market::write_state(core_.market().snapshot()).find(signature) == std::string::npos) return;
    stage_.fail("nothing is left of what " + to_string(account_) + " wrote");
}

}  // namespace shoal::simulation
