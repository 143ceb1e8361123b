#include "apps/provide_shell.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <variant>

#include <sys/wait.h>
#include <unistd.h>

#include "apps/exit.h"
#include "apps/release.h"
#include "core/limits.h"
#include "core/text.h"
#include "io/entropy.h"
#include "io/http_client.h"
#include "io/websocket_client.h"
#include "protocol/session.h"

namespace shoal::apps {

using protocol::session::FromMarket;
using protocol::session::Order;
using provider::Input;

namespace {

constexpr std::size_t queue_for_logs = 512 << 10;  // above it the connection is slow: no log lines
constexpr Duration leave_time_max{5'000};
constexpr std::chrono::seconds cache_age =
    std::chrono::duration_cast<std::chrono::seconds>(limits::blob_retention);

std::uint64_t unforeseen() {
    const auto bytes = io::entropy();
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
}

provider::Link::Identity identity_of(const SecretKey& key) {
    return {key, std::string(release)};
}

}  // namespace

ProviderShell::ProviderShell(io::Loop& loop, const io::Log& log, Setup setup)
    : loop_(loop),
      log_(log),
      setup_(std::move(setup)),
      provider_(identity_of(setup_.identity), setup_.offer),
      inputs_(setup_.folder.path(), io::HttpClient(setup_.market), setup_.key.reveal()),
      uploads_(io::HttpClient(setup_.market), setup_.key.reveal()),
      fetching_(loop),
      delivering_(loop) {}

ProviderShell::~ProviderShell() {
    ++connection_;
    if (timer_) loop_.cancel(*timer_);
}

int ProviderShell::run() {
    loop_.on_signal(SIGTERM, [this] { drain(); });
    loop_.on_signal(SIGINT, [this] { drain(); });
    loop_.on_signal(SIGCHLD, [] {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
    });
    loop_.post([this] { restore(); });
    loop_.run();
    // What still waits for the network would keep the process; all it holds survives a kill.
    const int code = exit_code_.value_or(static_cast<int>(Exit::interrupted));
    if (!fetching_.idle() || !delivering_.idle()) ::_exit(code);
    return code;
}

void ProviderShell::drain() {
    if (std::exchange(draining_, true)) {
        log_.warning("ends at once; what runs is left to its shims");
        ::_exit(static_cast<int>(Exit::interrupted));
    }
    log_.info("takes no more work and ends what runs");
    handle(provider::Drain{});
}

void ProviderShell::restore() {
    const std::vector<provider::Found> found = setup_.folder.found();
    if (found.empty()) {
        fetching_.add([this] {
            inputs_.sweep(cache_age);
            return [] {};
        });
    } else {
        log_.info("takes up what an earlier process left", {{"attempts", found.size()}});
    }
    const provider::Effects effects = provider_.start(found, moment());
    for (const provider::Found& one : found) make_run(one.order.lease).resume();
    loop_.post([this, effects] {
        perform_all(effects);
        arm();
    });
}

// --- inputs and time ---------------------------------------------------------------------------

provider::Moment ProviderShell::moment() const {
    return {Time{clocks_.since_boot()}, unforeseen()};
}

void ProviderShell::handle(const Input& input) {
    if (exit_code_) return;
    perform_all(provider_.step(input, moment()));
    arm();
}

void ProviderShell::later(Input input) {
    loop_.post([this, input = std::move(input)] { handle(input); });
}

void ProviderShell::perform_all(const provider::Effects& effects) {
    for (const provider::Effect& effect : effects) {
        if (exit_code_) return;
        std::visit([this](const auto& it) { perform(it); }, effect);
    }
}

void ProviderShell::arm() {
    const auto next = provider_.next_deadline();
    if (next == armed_for_) return;
    if (const auto timer = std::exchange(timer_, std::nullopt)) loop_.cancel(*timer);
    armed_for_ = next;
    if (!next) return;
    const Duration wait = std::max(Duration{0}, *next - Time{clocks_.since_boot()});
    timer_ = loop_.after(wait + Duration{1}, [this] {
        timer_.reset();
        armed_for_.reset();
        handle(provider::Tick{});
    });
}

// --- the session -------------------------------------------------------------------------------

void ProviderShell::perform(const provider::Connect&) {
    const std::uint64_t connection = ++connection_;
    io::WebSocketCall call;
    call.server = setup_.market;
    call.target = "/v1/session";
    call.headers = {{"Authorization", "Bearer " + setup_.key.reveal()}};
    io::WebSocketClientEvents events;
    events.opened = [this, connection] {
        if (connection == connection_) later(provider::Connected{});
    };
    events.failed = [this, connection](const Error& why) { closed(connection, why); };
    events.events.message = [this, connection](const std::string& text, const io::Receipt&) {
        received(connection, text);
    };
    events.events.closed = [this, connection](std::uint16_t code, const std::string& reason) {
        const std::string what = "closed with " + std::to_string(code) + " " + to_display(reason);
        closed(connection, {Code::unavailable, what});
    };
    socket_ = io::open_websocket(loop_, std::move(call), std::move(events));
}

void ProviderShell::perform(const provider::Disconnect&) {
    closed(connection_, {Code::unavailable, "this side closed it"});
}

void ProviderShell::perform(const provider::Send& send) {
    if (socket_) socket_->send(protocol::session::print(send.frame));
}

void ProviderShell::received(std::uint64_t connection, const std::string& text) {
    if (connection != connection_) return;
    auto message = protocol::session::read_market_frame(text);
    if (!message.ok()) {
        log_.warning("the market sent what is no message", {{"why", message.error().what}});
        return;
    }
    announce(message.value());
    handle(provider::MarketSaid{std::move(message).value()});
    if (provider_.is_open()) {
        for (const auto& [lease, run] : runs_) run->read_on();
    }
}

void ProviderShell::closed(std::uint64_t connection, const Error& why) {
    if (connection != connection_ || !socket_) return;
    ++connection_;
    socket_->close(1000, "");
    loop_.post([gone = std::exchange(socket_, nullptr)] {});  // not within its own callback
    later(provider::Disconnected{why});
}

void ProviderShell::announce(const FromMarket& message) {
    const auto* welcome = std::get_if<protocol::session::Welcome>(&message);
    if (welcome == nullptr) return;
    log_.info("session open", {{"provider", welcome->provider},
                               {"market_release", to_display(welcome->release)},
                               {"attempts", welcome->leases.size()}});
    if (std::exchange(announced_, true) || setup_.ready_fd < 0) return;
    const std::string line = to_string(welcome->provider) + "\n";
    if (::write(setup_.ready_fd, line.data(), line.size()) < 0) {
        log_.warning("nobody reads that it is ready");
    }
}

bool ProviderShell::has_room() const {
    return socket_ && provider_.is_open() && socket_->queued_bytes() < queue_for_logs;
}

// --- attempts ----------------------------------------------------------------------------------

AttemptRun& ProviderShell::make_run(LeaseId lease) {
    auto run = std::make_unique<AttemptRun>(
        loop_, lease, setup_.folder.attempt(lease),
        [this](Input input) { later(std::move(input)); }, [this] { return has_room(); });
    return *runs_.insert_or_assign(lease, std::move(run)).first->second;
}

void ProviderShell::perform(const provider::FetchInputs& fetch) {
    fetching_.add([this, order = fetch.order]() -> std::function<void()> {
        const auto failed = inputs_.fetch(order.inputs);
        if (!failed) return [this, lease = order.lease] { handle(provider::InputsFetched{lease}); };
        const provider::InputsFailed how{order.lease, failed->reason, failed->detail, failed->hope,
                                         failed->wait};
        return [this, how] { handle(how); };
    });
}

protocol::AttemptSpec ProviderShell::attempt_spec(const provider::StartShim& start) const {
    const Order& order = start.order;
    protocol::AttemptSpec spec;
    spec.lease = order.lease;
    spec.command = order.command;
    spec.environment = order.environment;
    for (const protocol::JobInput& input : order.inputs) {
        spec.inputs.push_back(mounted(setup_.folder.path(), input));
    }
    spec.resources = order.resources;
    spec.limits = order.limits;
    spec.time_max = order.time_max;
    spec.lease_left = start.left;
    spec.slot = start.slot;
    spec.seccomp_filter = setup_.folder.filter();
    for (const auto& [name, value] : order.secrets) spec.secrets.push_back(name);
    return spec;
}

void ProviderShell::perform(const provider::StartShim& start) {
    const Status prepared = setup_.folder.prepare(start.order, attempt_spec(start));
    if (!prepared.ok()) {
        provider::JobEnded ended{start.order.lease, {}};
        ended.outcome.reason = protocol::Reason::sandbox_unavailable;
        ended.outcome.detail = prepared.error().what;
        later(std::move(ended));
        return;
    }
    make_run(start.order.lease).start(setup_.shim_program, start.order.secrets);
}

void ProviderShell::perform(const provider::StopShim& stop) {
    const auto run = runs_.find(stop.lease);
    if (run == runs_.end()) return;
    run->second->tell(sandbox::StopCommand{stop.reason, stop.grace});
}

void ProviderShell::perform(const provider::MoveDeadline& move) {
    const auto run = runs_.find(move.lease);
    if (run == runs_.end()) return;
    run->second->tell(sandbox::DeadlineCommand{move.left});
}

void ProviderShell::perform(const provider::Collect& asked) {
    runs_.erase(asked.order.lease);
    delivering_.add([this, asked]() -> std::function<void()> {
        auto found = collect(setup_.folder.attempt(asked.order.lease), asked.order, asked.wanted);
        return [this, found = std::move(found)] { handle(found); };
    });
}

void ProviderShell::perform(const provider::Upload& upload) {
    delivering_.add([this, upload]() -> std::function<void()> {
        Input delivered = uploads_.deliver(setup_.folder.attempt(upload.lease), upload);
        return [this, delivered = std::move(delivered)] { handle(delivered); };
    });
}

void ProviderShell::perform(const provider::Forget& forget) {
    runs_.erase(forget.lease);
    delivering_.add([this, lease = forget.lease] {
        setup_.folder.remove(lease);
        return [] {};
    });
}

void ProviderShell::perform(const provider::Leave& leave) {
    const bool refused = leave.why == provider::Leave::Why::refused;
    if (refused) log_.error(leave.detail);
    exit_code_ = static_cast<int>(refused ? Exit::refused : Exit::done);
    if (socket_) socket_->close(1001, "");
    // What was begun, like removing folders, is ended first, unless it takes long.
    for (Lane* lane : {&fetching_, &delivering_}) {
        lane->add([this]() -> std::function<void()> {
            return [this] {
                if (fetching_.idle() && delivering_.idle()) loop_.stop();
            };
        });
    }
    loop_.after(leave_time_max, [this] { loop_.stop(); });
}

void ProviderShell::perform(const provider::Remark& remark) {
    log_.warning(to_display(remark.text));
}

}  // namespace shoal::apps
