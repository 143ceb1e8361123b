#include "simulation/provider_host.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "core/limits.h"

namespace shoal::simulation {

using protocol::session::FromMarket;
using provider::Input;

namespace {

std::array<std::uint8_t, SecretKey::seed_size> identity_seed(std::uint32_t index) {
    std::array<std::uint8_t, SecretKey::seed_size> seed{101};
    seed[1] = static_cast<std::uint8_t>(index);
    seed[2] = static_cast<std::uint8_t>(index >> 8U);
    return seed;
}

Duration asked_wait(const Result<market::ApiAnswer>& answer) {
    if (!answer.ok()) return Duration{0};
    const auto field = answer.value().headers.find("retry-after");
    if (field == answer.value().headers.end()) return Duration{0};
    return Duration{std::stoll(field->second) * 1'000};
}

}  // namespace

ProviderHost::ProviderHost(Stage& stage, Wire& wire, std::uint32_t index)
    : stage_(stage),
      wire_(wire),
      index_(index),
      identity_(identity_seed(index)),
      offer_(make_offer()),
      boot_(stage.now() - stage.between(1'000, 1'000'000'000)) {}

protocol::Offer ProviderHost::make_offer() {
    Random& random = stage_.random();
    protocol::Offer offer;
    offer.name = fmt::format("machine-{}", index_);
    offer.capacity.cores = static_cast<std::uint32_t>(random.between(1, 8));
    offer.capacity.memory = Size{random.between(1, 16) << 30U};
    offer.capacity.disk = Size{random.between(2, 32) << 30U};
    offer.attempts_max = static_cast<std::uint32_t>(random.between(1, 6));
    constexpr std::uint64_t dearest = 7'200'000;
    offer.price.core_hour = Lamports{static_cast<std::int64_t>(random.below(dearest))};
    offer.price.start = Lamports{static_cast<std::int64_t>(random.below(100))};
    offer.price.gib_hour = Lamports{static_cast<std::int64_t>(random.below(1'000))};
    offer.tier = protocol::Tier::b;
    return offer;
}

void ProviderHost::begin(AccountId account, std::string secret) {
    account_ = account;
    secret_ = std::move(secret);
    begin_process();
}

void ProviderHost::restore() {
    if (has_begun() && !process_) begin_process();
}

void ProviderHost::end() {
    if (process_) end_process(Wire::Power::on);
}

bool ProviderHost::at_rest() const {
    if (!has_begun()) return true;
    return process_ && process_->attempts().size() == 0 && shims_.empty();
}

// --- the process ---------------------------------------------------------------------------------

void ProviderHost::begin_process() {
    ++life_;
    constexpr unsigned repriced = 20;
    if (stage_.random().percent(repriced)) {
        offer_.price.core_hour = Lamports{static_cast<std::int64_t>(stage_.random().below(9'999))};
    }
    process_ = std::make_unique<provider::Provider>(
        provider::Link::Identity{identity_, "simulated"}, offer_);
    std::vector<provider::Found> found;
    if (!stage_.has_bug(Bug::shims_forgotten)) {
        for (const auto& [lease, shim] : shims_) found.push_back({shim.order, shim.slot});
    }
    stage_.tell(fmt::format("provider {} begins and finds {} attempts", index_, found.size()));
    const provider::Effects effects = process_->start(found, stage_.provider_moment(clock()));
    for (const provider::Found& one : found) {
        const Shim& shim = shims_.at(one.order.lease);
        if (!shim.is_alive) {
            tell_end(one.order.lease);
        } else if (shim.has_started) {
            later(Duration{1}, provider::JobStarted{one.order.lease});
        }
    }
    perform_all(effects);
    if (process_) arm();
}

void ProviderHost::end_process(Wire::Power power) {
    ++life_;
    process_.reset();
    connection_.reset();
    armed_for_.reset();
    wire_.provider_died(index_, power);
}

bool ProviderHost::dies_here() {
    if (stage_.strikes(Fault::provider_away)) {
        lose_power();
        return true;
    }
    if (!stage_.strikes(Fault::provider_crash)) return false;
    stage_.tell(fmt::format("provider {}'s process dies", index_));
    end_process(Wire::Power::on);
    stage_.later(stage_.between(10, 30'000), [this, life = life_] {
        if (life == life_) begin_process();
    });
    return true;
}

void ProviderHost::lose_power() {
    stage_.tell(fmt::format("provider {}'s machine loses its power", index_));
    for (auto& [lease, shim] : shims_) {
        shim.is_alive = false;
        shim.number = ++shims_started_;  // nothing of it goes on
    }
    end_process(Wire::Power::off);
    stage_.later(stage_.between(50'000, 2'000'000), [this, life = life_] {
        if (life != life_) return;
        boot_ = stage_.now();
        begin_process();
    });
}

void ProviderHost::handle(const Input& input) {
    if (!process_) return;
    if (!std::holds_alternative<provider::Tick>(input) && dies_here()) return;
    const provider::Effects effects = process_->step(input, stage_.provider_moment(clock()));
    process_->check_invariants();
    stage_.mix(effects.size());
    perform_all(effects);
    if (process_) arm();
}

void ProviderHost::later(Duration wait, Input input) {
    stage_.later(wait, [this, input = std::move(input), life = life_] {
        if (life == life_) handle(input);
    });
}

void ProviderHost::perform_all(const provider::Effects& effects) {
    const std::uint64_t life = life_;
    for (const provider::Effect& effect : effects) {
        if (life != life_ || dies_here()) return;
        std::visit([this](const auto& it) { perform(it); }, effect);
    }
}

void ProviderHost::arm() {
    const auto next = process_->next_deadline();
    if (next == armed_for_) return;
    armed_for_ = next;
    if (!next) return;
    const Duration wait = std::max(Duration{0}, *next - clock());
    stage_.later(wait + Duration{1}, [this, next, life = life_] {
        if (life != life_ || armed_for_ != next) return;
        armed_for_.reset();
        handle(provider::Tick{});
    });
}

// --- the session ---------------------------------------------------------------------------------

void ProviderHost::perform(const provider::Connect&) {
    connection_ = wire_.connect(index_, secret_);
}

void ProviderHost::opened(Wire::ConnectionId connection) {
    if (connection == connection_) handle(provider::Connected{});
}

void ProviderHost::perform(const provider::Disconnect&) {
    if (!connection_) return;
    wire_.close_at_provider(*connection_);
    connection_.reset();
    later(Duration{0}, provider::Disconnected{Error{Code::unavailable, "this side closed it"}});
}

void ProviderHost::perform(const provider::Send& send) {
    if (connection_) wire_.to_market(*connection_, send.frame);
    if (!std::holds_alternative<protocol::session::Alive>(send.frame.message)) return;
    if (stage_.strikes(Fault::lie)) lie();
    if (stage_.strikes(Fault::drain)) {
        stage_.tell(fmt::format("provider {} is drained", index_));
        later(Duration{0}, provider::Drain{});
    }
}

void ProviderHost::received(Wire::ConnectionId connection, const FromMarket& message) {
    if (connection != connection_) return;
    if (const auto* welcome = std::get_if<protocol::session::Welcome>(&message)) {
        id_ = welcome->provider;
    }
    if (const auto* granted = std::get_if<protocol::session::Granted>(&message)) {
        newest_ = std::max(newest_, granted->order.lease);
    }
    handle(provider::MarketSaid{message});
}

void ProviderHost::closed(Wire::ConnectionId connection, const Error& why) {
    if (connection != connection_) return;
    connection_.reset();
    later(Duration{0}, provider::Disconnected{why});
}

void ProviderHost::perform(const provider::Leave& leave) {
    stage_.tell(fmt::format("provider {} leaves: {}", index_,
                            leave.detail.empty() ? "drained" : leave.detail));
    end_process(Wire::Power::on);
    stage_.later(stage_.between(1'000, stage_.healed() ? 2'000 : 900'000), [this, life = life_] {
        if (life == life_) begin_process();
    });
}

void ProviderHost::perform(const provider::Remark& remark) {
    stage_.tell(fmt::format("  provider {}: {}", index_, remark.text));
}

// --- moving bytes --------------------------------------------------------------------------------

market::ApiRequest ProviderHost::request(std::string method, const Hash& hash,
                                         LeaseId lease) const {
    market::ApiRequest request;
    request.method = std::move(method);
    request.path = "/v1/blobs/" + to_string(hash);
    request.headers["authorization"] = "Bearer " + secret_;
    if (lease != LeaseId{}) request.headers["shoal-lease"] = to_string(lease);
    return request;
}

void ProviderHost::perform(const provider::FetchInputs& asked) {
    std::vector<Hash> missing;
    for (const protocol::JobInput& input : asked.order.inputs) {
        if (input.blob) missing.push_back(*input.blob);
        for (const protocol::InputFile& file : input.files) missing.push_back(file.blob);
    }
    fetch(asked.order.lease, std::move(missing));
}

void ProviderHost::fetch(LeaseId lease, std::vector<Hash> missing) {
    if (missing.empty()) return later(stage_.between(1, 50), provider::InputsFetched{lease});
    if (stage_.strikes(Fault::transfer_failed)) {
        using protocol::Reason;
        constexpr Reason reasons[] = {Reason::input_changed, Reason::input_missing,
                                      Reason::fetch_failed};
        const Reason reason = reasons[stage_.random().below(std::size(reasons))];
        const provider::Hope hope = reason == Reason::fetch_failed && stage_.random().percent(50)
                                        ? provider::Hope::again
                                        : provider::Hope::none;
        return later(stage_.between(1, 5'000),
                     provider::InputsFailed{lease, reason, "the disk or the network", hope, {}});
    }
    const Hash next = missing.back();
    missing.pop_back();
    if (cached_.contains(next)) return fetch(lease, std::move(missing));
    const auto answered = [this, lease, missing, next,
                           life = life_](const Result<market::ApiAnswer>& answer) {
        if (life != life_) return;
        constexpr int missing_status = 404;
        constexpr int refusals = 400;
        constexpr int failures = 500;
        if (answer.ok() && answer.value().status < refusals) {
            cached_.insert(next);
            return fetch(lease, missing);
        }
        provider::InputsFailed failed{lease, protocol::Reason::fetch_failed, "", {}, {}};
        const int status = answer.ok() ? answer.value().status : failures;
        failed.hope =
            status >= failures || status == 429 ? provider::Hope::again : provider::Hope::none;
        failed.wait = asked_wait(answer);
        if (status == missing_status) failed.reason = protocol::Reason::input_missing;
        handle(failed);
    };
    wire_.request({request("GET", next, {}), {}, index_}, answered);
}

void ProviderHost::perform(const provider::Upload& upload) {
    deliver(upload, 0);
}

/// Sends what comes after the first files, which the market has taken.
void ProviderHost::deliver(const provider::Upload& upload, std::size_t taken) {
    const std::size_t count = upload.artifacts.size();
    const LeaseId lease = upload.lease;
    if (taken > count || (taken == count && !upload.log)) {
        return later(Duration{1}, provider::Uploaded{lease});
    }
    if (stage_.strikes(Fault::transfer_failed)) {
        const auto hope =
            stage_.random().percent(70) ? provider::Hope::again : provider::Hope::none;
        return later(stage_.between(1, 5'000),
                     provider::UploadFailed{lease, "the disk or the network", hope, {}, taken});
    }
    const protocol::Artifact& next = taken == count ? *upload.log : upload.artifacts[taken];
    const auto answered = [this, lease, upload, taken,
                           life = life_](const Result<market::ApiAnswer>& answer) {
        if (life != life_) return;
        constexpr int refusals = 400;
        constexpr int failures = 500;
        if (answer.ok() && answer.value().status < refusals) return deliver(upload, taken + 1);
        const int status = answer.ok() ? answer.value().status : failures;
        const bool passing = status >= failures || status == 429;
        handle(provider::UploadFailed{lease, fmt::format("the market answered {}", status),
                                      passing ? provider::Hope::again : provider::Hope::none,
                                      asked_wait(answer), taken});
    };
    wire_.request({request("PUT", next.blob, lease), next.size_bytes, index_}, answered);
}

// --- a dishonest one -----------------------------------------------------------------------------

/// Says something of an attempt, its own or another's, that need not be so.
protocol::session::FromProvider ProviderHost::made_up(LeaseId lease) {
    namespace session = protocol::session;
    Random& random = stage_.random();
    constexpr auto reasons = static_cast<std::uint64_t>(protocol::Reason::no_provider_fits) + 1;
    const auto reason = static_cast<protocol::Reason>(random.below(reasons));
    switch (random.below(6)) {
        case 0:
            return session::Started{lease};
        case 1: {
            protocol::AttemptOutcome outcome;
            outcome.reason = reason;
            outcome.started = true;
            outcome.ran_ms = static_cast<std::int64_t>(random.below(1'000'000));
            if (random.percent(40)) outcome.ran_ms = -1;
            return session::Exited{lease, outcome};
        }
        case 2:
            return session::Alive{{lease, LeaseId{random.below(newest_.value + 2)}}, false};
        case 3:
            return session::Hello{1, 1, "again", identity_.public_key()};
        default: {
            session::Finished finished;
            finished.lease = lease;
            finished.reason = reason;
            if (random.percent(30)) finished.artifacts.push_back({"made-up", Hash{{9}}, 9});
            if (random.percent(10)) finished.detail.resize(limits::text_bytes + 1, 'x');
            return finished;
        }
    }
}

void ProviderHost::lie() {
    if (!connection_ || newest_ == LeaseId{}) return;
    const std::uint64_t far = std::min<std::uint64_t>(newest_.value, 8);
    LeaseId lease{newest_.value + 1 - stage_.random().below(far + 1)};
    if (!shims_.empty() && stage_.random().percent(60)) lease = stage_.random().pick(shims_).first;
    stage_.tell(fmt::format("provider {} lies about {}", index_, to_string(lease)));
    wire_.to_market(*connection_, {0, made_up(lease)});
}

}  // namespace shoal::simulation
