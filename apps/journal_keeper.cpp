#include "apps/journal_keeper.h"

#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "io/folder.h"
#include "io/process.h"

namespace shoal::apps {

namespace {

constexpr Duration hour{3'600'000};

Time drop_before(Duration retention) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return Time{std::chrono::duration_cast<Duration>(now) - retention};
}

io::Command command_of(const std::filesystem::path& folder, Time before) {
    io::Command command;
    command.words = {"/proc/self/exe",
                     "journal",
                     "keep",
                     "--folder",
                     folder.string(),
                     "--drop-before",
                     std::to_string(before.time_since_epoch().count()),
                     "--parent",
                     std::to_string(::getpid())};
    for (const auto& [name, value] : io::system_environment()) {
        command.environment.push_back(fmt::format("{}={}", name, value));
    }
    command.redirections = {{STDERR_FILENO, STDERR_FILENO}};
    return command;
}

std::string to_text(const io::Exit& exit) {
    return exit.signal != 0 ? fmt::format("signal {}", exit.signal)
                            : fmt::format("exit code {}", exit.code);
}

}  // namespace

struct JournalKeeper::Inside : std::enable_shared_from_this<Inside> {
    Inside(io::Loop& on_loop, io::SqliteJournal& of_journal, Settings with)
        : loop(on_loop), journal(of_journal), settings(std::move(with)) {}

    void look();
    void start(const Result<io::KeepingPlan>& plan, Time before);
    void ended();
    void adopt();
    void settle();
    void await_next_hour();
    void end_process();

    io::Loop& loop;
    io::SqliteJournal& journal;
    Settings settings;
    bool is_over = false;
    bool is_busy = false;  // it looks, or the process runs, or its work is taken over
    bool is_asked_again = false;
    std::optional<io::Process> process;
    std::optional<io::Loop::WatchId> watched;
    std::optional<io::Loop::TimerId> timer;
};

void JournalKeeper::Inside::look() {
    if (is_over) return;
    if (is_busy) {
        is_asked_again = true;
        return;
    }
    is_busy = true;
    const Time before = drop_before(settings.retention);
    loop.post_blocking([self = shared_from_this(), before] {
        auto plan = self->journal.plan(before);
        self->loop.post([self, before, plan = std::move(plan)] { self->start(plan, before); });
    });
}

void JournalKeeper::Inside::start(const Result<io::KeepingPlan>& plan, Time before) {
    if (is_over) return;
    if (!plan.ok()) {
        fmt::print(stderr, "the journal cannot be looked through: {}\n", plan.error().what);
        return settle();
    }
    if (plan.value().is_empty()) return settle();
    auto started = io::Process::spawn(command_of(settings.folder, before));
    if (!started.ok()) {
        fmt::print(stderr, "no snapshot can be made: {}\n", started.error().what);
        return settle();
    }
    process = std::move(started).value();
    watched =
        loop.watch(process->ended().number(), io::Loop::Readiness::readable, [this] { ended(); });
}

void JournalKeeper::Inside::ended() {
    if (!process) return;
    const auto exit = process->wait(Duration{0});
    if (!exit.ok() && exit.error().code == Code::timeout) return;
    end_process();
    if (!exit.ok() || exit.value() != io::Exit{}) {
        fmt::print(stderr,
                   "the process that keeps the journal failed ({}); the next hour tries "
                   "again\n",
                   exit.ok() ? to_text(exit.value()) : exit.error().what);
        return settle();
    }
    adopt();
}

void JournalKeeper::Inside::adopt() {
    loop.post_blocking([self = shared_from_this()] {
        auto damaged = self->journal.adopt();
        self->loop.post([self, damaged = std::move(damaged)] {
            if (!damaged.ok()) {
                fmt::print(stderr, "the journal is not in order: {}\n", damaged.error().what);
            } else {
                for (const std::string& path : damaged.value()) {
                    fmt::print(stderr, "a damaged file was removed, to be made again: {}\n", path);
                }
            }
            self->settle();
        });
    });
}

void JournalKeeper::Inside::settle() {
    is_busy = false;
    if (is_over) return;
    if (std::exchange(is_asked_again, false)) return look();
    await_next_hour();
}

void JournalKeeper::Inside::await_next_hour() {
    if (timer) loop.cancel(*timer);
    timer = loop.after(hour, [this] {
        timer.reset();
        look();
    });
}

void JournalKeeper::Inside::end_process() {
    if (watched) loop.unwatch(*watched);
    watched.reset();
    process.reset();  // ends it, if it has not ended
}

JournalKeeper::JournalKeeper(io::Loop& loop, io::SqliteJournal& journal, Settings settings)
    : inside_(std::make_shared<Inside>(loop, journal, std::move(settings))) {}

JournalKeeper::~JournalKeeper() {
    stop();
}

void JournalKeeper::consider() {
    inside_->loop.post([self = inside_] { self->look(); });
}

void JournalKeeper::stop() {
    inside_->is_over = true;
    inside_->end_process();
    if (inside_->timer) inside_->loop.cancel(*inside_->timer);
    inside_->timer.reset();
}

}  // namespace shoal::apps
