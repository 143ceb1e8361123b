#include "sandbox/shim.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"
#include "core/limits.h"
#include "sandbox/attempt_files.h"
#include "sandbox/audience.h"
#include "sandbox/cause.h"
#include "sandbox/disk_use.h"
#include "sandbox/handover.h"
#include "sandbox/launch.h"
#include "sandbox/recording.h"
#include "sandbox/shim_command.h"

namespace shoal::sandbox {

namespace {

using protocol::AttemptOutcome;
using protocol::AttemptSpec;
using protocol::Reason;

constexpr std::uint64_t reports_bytes_max = 64 << 20;  // of one attempt; as much as anyone plots
constexpr std::int64_t grown_pause_us = 100'000;       // between two words of new output
constexpr std::int64_t disk_pause_us = 500'000;        // between two looks at the disk, at least
constexpr std::int64_t disk_share = 20;  // a look may take a twentieth of the time at most
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

std::int64_t us(Duration length) {
    return std::chrono::duration_cast<std::chrono::microseconds>(length).count();
}

std::int64_t later(std::int64_t now, Duration length) {
    return now + us(std::clamp(length, Duration{}, limits::attempt_time_max));
}

/// SIGTERM and its like, as something to poll.
Result<Fd> watch_signals() {
    sigset_t watched;
    ::sigemptyset(&watched);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watched, number);
    if (::sigprocmask(SIG_BLOCK, &watched, nullptr) != 0) return failed("sigprocmask");
    Fd signals(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals.open()) return failed("signalfd");
    return signals;
}

/// The job's own folders belong to the job's user.
Status make_own_folder(const std::string& path, std::uint32_t slot) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("make " + path);
    const uid_t id = TRY(host_id(slot));
    if (::geteuid() != 0) return Done{};
    if (::chown(path.c_str(), id, id) != 0) return failed("chown " + path);
    return Done{};
}

std::vector<std::string> environment_of(const AttemptSpec& spec, const Secrets& secrets) {
    std::vector<std::string> variables;
    variables.reserve(spec.environment.size() + secrets.size());
    for (const auto* part : {&spec.environment, &secrets}) {
        for (const auto& [name, value] : *part) {
            variables.emplace_back(name).append("=").append(value);
        }
    }
    return variables;
}

/// Those that the specification names, and only those.
Result<Secrets> secrets_of(const AttemptSpec& spec) {
    if (spec.secrets.empty()) return Secrets{};
    Secrets secrets = TRY(take_over(Fd(secrets_descriptor)));
    const bool all = std::ranges::all_of(
        spec.secrets, [&](const std::string& name) { return secrets.contains(name); });
    const bool sound =
        std::ranges::none_of(secrets, [](const auto& secret) { return secret.second.empty(); });
    if (all && sound && secrets.size() == spec.secrets.size()) return secrets;
    return Error{Code::invalid, "the secrets that came are not those of the attempt"};
}

/// What an attempt needs beside its specification.
struct Supplies {
    GroupHost groups;
    Filter filter;
    Recording log;
    Recording reports;
};

Result<Supplies> prepare(const std::string& folder, const AttemptSpec& spec) {
    TRY(make_own_folder(folder + "/work", spec.slot));
    TRY(make_own_folder(folder + "/out", spec.slot));
    GroupHost groups = TRY(prepare_groups());
    Filter filter =
        TRY(spec.seccomp_filter.empty() ? compile_filter() : load_filter(spec.seccomp_filter));
    Recording log = TRY(Recording::of_bytes(folder + "/log", spec.limits.log.bytes));
    Recording reports =
        TRY(Recording::of_lines(folder + "/reports", reports_bytes_max, limits::report_line_bytes));
    return Supplies{std::move(groups), std::move(filter), std::move(log), std::move(reports)};
}

Result<Jail> launch(const std::string& folder, const AttemptSpec& spec, const Secrets& secrets,
                    const Supplies& supplies) {
    const LaunchSpec wanted{
        .command = spec.command,
        .environment = environment_of(spec, secrets),
        .work = folder + "/work",
        .out = folder + "/out",
        .inputs = spec.inputs,
        .limits = {spec.resources.memory, spec.processes_max, spec.resources.cores},
        .disk = spec.resources.disk,
        .slot = spec.slot,
        .log = supplies.log.writer(),
        .report = supplies.reports.writer(),
    };
    return Jail::launch(wanted, supplies.filter, supplies.groups);
}

/// The words of a report {"log": "words"}; none if it says something else.
std::optional<std::string> words_for_log(std::string_view line) {
    if (line.find("\"log\"") == std::string_view::npos) return std::nullopt;  // most say none
    const auto report = json::parse(line, limits::report_line_bytes);
    if (!report.ok()) return std::nullopt;
    const auto* object = report.value().if_object();
    const auto* log = object ? object->if_contains("log") : nullptr;
    const auto* words = log ? log->if_string() : nullptr;
    return words ? std::optional(std::string(*words)) : std::nullopt;
}

/// A launched attempt until its outcome: watches the job, what it says, what it uses, the clock,
/// and whoever is attached.
class Watch {
public:
    Watch(std::string folder, const AttemptSpec& spec, Supplies supplies, Jail jail)
        : folder_(std::move(folder)),
          spec_(spec),
          log_(std::move(supplies.log)),
          reports_(std::move(supplies.reports)),
          jail_(std::move(jail)) {
        log_.close_writer();
        reports_.close_writer();
        reports_.on_line([this](std::string_view line) {
            if (const auto words = words_for_log(line)) log_.add_line(*words);
        });
        lease_end_us_ = later(monotonic_us(), spec_.lease_left);
    }

    void run(Audience& audience, const Fd& signals, AttemptOutcome& outcome) {
        while (!jail_.gone()) turn(audience, signals, outcome);
        end(outcome);
    }

private:
    void turn(Audience& audience, const Fd& signals, AttemptOutcome& outcome) {
        wait(audience, signals);
        hear_jail(audience, outcome);
        record(audience);
        audience.accept(so_far());
        for (const std::string& line : audience.hear()) obey(line);
        signalfd_siginfo unused{};
        if (::read(signals.get(), &unused, sizeof unused) == sizeof unused) {
            stop(Reason::provider_reclaimed, "the provider is shutting down", grace());
        }
        const std::int64_t now = monotonic_us();
        watch_clock(now);
        watch_disk(now);
    }

    void wait(const Audience& audience, const Fd& signals) const {
        std::vector<pollfd> polled{{jail_.notes_fd(), POLLIN, 0}, {signals.get(), POLLIN, 0}};
        polled.push_back({log_.reader(), POLLIN, 0});  // a negative one is ignored
        polled.push_back({reports_.reader(), POLLIN, 0});
        audience.add_to(polled);
        const std::int64_t left_us = next_us() - monotonic_us();
        const std::int64_t left_ms = std::clamp<std::int64_t>(left_us / 1000 + 1, 0, 60'000);
        ::poll(polled.data(), polled.size(), static_cast<int>(left_ms));
    }

    std::int64_t next_us() const {
        const std::int64_t grown = grown_ && started_ ? grown_at_us_ : never;
        return std::min({time_end_us_, lease_end_us_, kill_at_us_, disk_at_us_, grown});
    }

    void hear_jail(Audience& audience, AttemptOutcome& outcome) {
        for (auto note = jail_.next_note(); note; note = jail_.next_note()) {
            switch (note->kind) {
                case JailNote::Kind::failed:
                    facts_.refusal = *note;
                    break;
                case JailNote::Kind::started:
                    begin(audience, outcome);
                    break;
                case JailNote::Kind::ended:
                    facts_.status = note->value;
                    break;
            }
        }
    }

    void begin(Audience& audience, AttemptOutcome& outcome) {
        const std::int64_t now = monotonic_us();
        outcome.started = true;
        outcome.started_at_us = now;
        started_ = true;
        time_end_us_ = later(now, spec_.time_max);
        disk_at_us_ = now + disk_pause_us;
        audience.tell("started\n");
    }

    std::string so_far() const {
        std::string said = started_ ? "started\n" : "";
        if (started_ && log_.kept_bytes() + reports_.kept_bytes() > 0) said += "grown\n";
        return said;
    }

    /// A quick job speaks before its init has said that it runs: `started` is told first.
    void record(Audience& audience) {
        for (Recording* recording : {&log_, &reports_}) {
            if (recording->reader() < 0) continue;
            grown_ = recording->take() == Recording::Take::some || grown_;
        }
        const std::int64_t now = monotonic_us();
        if (!grown_ || !started_ || now < grown_at_us_) return;
        grown_ = false;
        grown_at_us_ = now + grown_pause_us;
        audience.tell("grown\n");
    }

    /// What nobody could have meant is ignored: the provider's own program speaks here.
    void obey(const std::string& line) {
        const auto command = parse_command(line);
        if (!command.ok()) return;
        if (const auto* asked = std::get_if<StopCommand>(&command.value())) {
            stop(asked->reason, "", asked->grace);
        } else if (const auto* deadline = std::get_if<DeadlineCommand>(&command.value())) {
            lease_end_us_ = later(monotonic_us(), deadline->left);
        }
    }

    Duration grace() const { return std::min(spec_.limits.grace.length, limits::grace_max); }

    /// The first reason stands; a later stop can only shorten the grace.
    void stop(Reason reason, std::string detail, Duration grace) {
        if (facts_.status || facts_.refusal) return;
        if (!facts_.stop) {
            facts_.stop = StopCause{reason, std::move(detail)};
            jail_.terminate();
        }
        kill_at_us_ = std::min(kill_at_us_, later(monotonic_us(), grace));
    }

    void watch_clock(std::int64_t now) {
        if (now >= time_end_us_) {
            time_end_us_ = never;
            stop(Reason::time_limit, "", grace());
        }
        if (now >= lease_end_us_) {
            lease_end_us_ = never;
            stop(Reason::lease_expired, "", grace());
        }
        if (now >= kill_at_us_) {
            kill_at_us_ = never;
            jail_.kill();
        }
    }

    void watch_disk(std::int64_t now) {
        if (now < disk_at_us_) return;
        if (const auto cause = disk_breach(jail_.processes()))
            stop(cause->reason, cause->detail, Duration{});
        const std::int64_t after = monotonic_us();
        disk_at_us_ = after + std::max(disk_pause_us, (after - now) * disk_share);
    }

    /// `running` are the processes that may hold files without a name.
    std::optional<StopCause> disk_breach(const std::vector<pid_t>& running) const {
        const auto work = disk_use(folder_ + "/work");
        if (!work.ok()) return StopCause{Reason::disk_limit, "/work: " + work.error().what};
        const auto out = disk_use(folder_ + "/out");
        if (!out.ok()) return StopCause{Reason::disk_limit, "/out: " + out.error().what};
        const Size sum{work.value().size_bytes + out.value().size_bytes +
                       nameless_use(running, folder_ + "/work")};
        if (sum > spec_.resources.disk) {
            return StopCause{Reason::disk_limit, to_rounded(sum) + " in /work and /out, allowed " +
                                                     to_string(spec_.resources.disk)};
        }
        const Size made{out.value().size_bytes};
        if (made > spec_.limits.output) {
            return StopCause{Reason::output_limit, to_rounded(made) + " in /out, allowed " +
                                                       to_string(spec_.limits.output)};
        }
        return std::nullopt;
    }

    void end(AttemptOutcome& outcome) {
        const auto ended = jail_.finish();
        if (outcome.started) {
            outcome.ran_ms = (monotonic_us() - outcome.started_at_us) / 1000;
        }
        for (Recording* recording : {&log_, &reports_}) {
            while (recording->reader() >= 0 && recording->take() == Recording::Take::some) {
            }
        }
        outcome.log_bytes = log_.kept_bytes();
        outcome.log_dropped_bytes = log_.dropped_bytes();
        if (!ended.ok()) {
            outcome.reason = Reason::runner_lost;
            outcome.detail = ended.error().what;
            return;
        }
        facts_.status = ended.value().status;
        facts_.use = ended.value().use;
        outcome.cpu_ms = facts_.use.cpu_ms;
        outcome.memory_peak_bytes = facts_.use.memory_peak_bytes;
        if (!facts_.stop && outcome.started) facts_.stop = disk_breach({});  // since the last look
        explain(facts_, outcome);
    }

    std::string folder_;
    const AttemptSpec& spec_;
    Recording log_;
    Recording reports_;
    Jail jail_;
    EndFacts facts_;
    bool started_ = false;
    bool grown_ = false;
    std::int64_t grown_at_us_ = 0;
    std::int64_t time_end_us_ = never;
    std::int64_t lease_end_us_ = never;
    std::int64_t kill_at_us_ = never;
    std::int64_t disk_at_us_ = never;
};

/// The provider may have made the socket already, so that it can attach at once.
Result<Fd> listener(const std::string& folder) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(STDIN_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
        listening == 0) {
        return listen_in(folder);
    }
    Fd socket(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
    if (!socket.open()) return failed("dup");
    ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    ::close(STDIN_FILENO);
    return socket;
}

Status attempt(const std::string& folder, Audience& audience, const Fd& signals,
               AttemptOutcome& outcome) {
    const AttemptSpec spec = TRY(read_attempt(folder));
    const Secrets secrets = TRY(secrets_of(spec));
    Supplies supplies = TRY(prepare(folder, spec));
    if (!secrets.empty()) {
        const Scrubber scrubber(secrets);
        supplies.log.hide(scrubber);
        supplies.reports.hide(scrubber);
    }
    Jail jail = TRY(launch(folder, spec, secrets, supplies));
    Watch(folder, spec, std::move(supplies), std::move(jail)).run(audience, signals, outcome);
    return Done{};
}

Status run(const std::string& folder) {
    if (read_outcome(folder).ok()) return Done{};  // it has run; never twice
    const Fd signals = TRY(watch_signals());
    Audience audience(TRY(listener(folder)));
    AttemptOutcome outcome;
    outcome.shim_at_us = monotonic_us();
    const Status attempted = attempt(folder, audience, signals, outcome);
    if (!attempted.ok()) {
        outcome.reason = Reason::sandbox_unavailable;
        outcome.detail = attempted.error().what;
    }
    TRY(write_outcome(folder, outcome));
    audience.accept("");
    audience.tell("ended\n");
    ::unlink((folder + "/shim.sock").c_str());
    return Done{};
}

}  // namespace

int run_shim(const std::string& attempt_folder) {
    ::signal(SIGPIPE, SIG_IGN);
    const Status done = run(attempt_folder);
    if (done.ok()) return 0;
    std::fprintf(stderr, "shim: %s\n", done.error().what.c_str());
    return 1;
}

}  // namespace shoal::sandbox
