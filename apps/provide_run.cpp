#include "apps/provide_run.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/text.h"
#include "protocol/attempt.h"
#include "provider/reports.h"
#include "sandbox/attempt_files.h"

namespace shoal::apps {

using protocol::AttemptOutcome;
using protocol::Reason;
using provider::JobSaid;

namespace {

constexpr Duration read_pause{50};           // between two readings of what a job says
constexpr std::size_t log_piece = 64 << 10;  // of a message
constexpr std::size_t reports_piece = 128 << 10;
constexpr std::uint64_t log_backlog_max = 1 << 20;  // beyond it lines are skipped
constexpr std::uint64_t reports_at_end = 16 << 20;  // beyond it only the last ones count
constexpr int pieces_at_end = 16;

std::uint64_t size_of(const io::Descriptor& file) {
    struct stat facts{};
    if (!file.is_open() || ::fstat(file.number(), &facts) != 0) return 0;
    return static_cast<std::uint64_t>(facts.st_size);
}

std::string read_piece(const io::Descriptor& file, std::uint64_t offset, std::size_t size_max) {
    std::string piece(size_max, '\0');
    const ssize_t got =
        ::pread(file.number(), piece.data(), piece.size(), static_cast<off_t>(offset));
    piece.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return piece;
}

}  // namespace

AttemptRun::AttemptRun(io::Loop& loop, LeaseId lease, std::filesystem::path folder, Report report,
                       Room room)
    : loop_(loop),
      lease_(lease),
      folder_(std::move(folder)),
      report_(std::move(report)),
      room_(std::move(room)) {}

AttemptRun::~AttemptRun() {
    detach();
    if (pause_) loop_.cancel(*pause_);
}

void AttemptRun::start(const std::string& program, const sandbox::Secrets& secrets) {
    const auto shim = sandbox::start_shim(folder_, program, secrets);
    if (!shim.ok()) {
        fail(shim.error());
        return;
    }
    shim_ = shim.value();
    const Status attached = attach();
    if (!attached.ok()) fail(attached.error());
}

void AttemptRun::resume() {
    const bool alive = attach().ok();
    read_reports(reports_at_end);
    if (auto log = io::open_file(folder_ / "log", O_RDONLY); log.ok()) {
        log_ = std::move(log).value();
        log_offset_ = size_of(log_);
    }
    if (!alive) end();
}

void AttemptRun::tell(const sandbox::ShimCommand& command) {
    if (link_) (void)link_->send(command);  // a shim that is gone is noticed when it is heard
}

void AttemptRun::read_on() {
    if (unread_) read_soon();
}

Status AttemptRun::attach() {
    link_ = TRY(sandbox::ShimLink::attach(folder_));
    watch_ = loop_.watch(link_->fd(), io::Loop::Readiness::readable, [this] { hear(); });
    return Done{};
}

void AttemptRun::detach() {
    if (watch_) loop_.unwatch(*watch_);
    watch_.reset();
    link_.reset();
}

void AttemptRun::hear() {
    if (!link_) return;
    const auto words = link_->hear();
    if (!words.ok()) {
        lost();
        return;
    }
    for (const sandbox::ShimWord word : words.value()) {
        switch (word) {
            case sandbox::ShimWord::started:
                if (!std::exchange(started_, true)) report_(provider::JobStarted{lease_});
                break;
            case sandbox::ShimWord::grown:
                unread_ = true;
                break;
            case sandbox::ShimWord::ended:
                end();
                return;
        }
    }
    if (unread_ && !pause_) read_soon();
}

/// The shim is gone, or it has dropped us because we read too slowly.
void AttemptRun::lost() {
    detach();
    if (sandbox::read_outcome(folder_).ok() || !attach().ok()) end();
}

/// The last word: what is left to read, then how it ended.
void AttemptRun::end() {
    if (std::exchange(ended_, true)) return;
    detach();
    if (const auto pause = std::exchange(pause_, std::nullopt)) loop_.cancel(*pause);
    read_reports(reports_at_end);
    for (int i = 0; i < pieces_at_end && read_log(); ++i) {
    }
    AttemptOutcome outcome;
    auto written = sandbox::read_outcome(folder_);
    if (written.ok()) {
        outcome = std::move(written).value();
    } else {
        outcome.reason = Reason::runner_lost;
        outcome.detail = "the process that held the attempt was killed";
        if (shim_) (void)sandbox::remove_leftovers(*shim_);
        if (!shim_) (void)sandbox::sweep();
    }
    report_(provider::JobEnded{lease_, std::move(outcome)});
}

void AttemptRun::fail(const Error& why) {
    if (std::exchange(ended_, true)) return;
    detach();
    AttemptOutcome outcome;
    outcome.reason = Reason::sandbox_unavailable;
    outcome.detail = why.what;
    report_(provider::JobEnded{lease_, std::move(outcome)});
}

/// Reads now, and not again before a pause: a job that prints all the time costs little.
void AttemptRun::read_soon() {
    if (pause_ || ended_) return;
    unread_ = false;
    read_reports(reports_piece);
    if (!room_()) {
        unread_ = true;  // read_on() comes back to it
        return;
    }
    const bool more_log = read_log();
    unread_ = more_log || size_of(reports_) > reports_offset_;
    pause_ = loop_.after(read_pause, [this] {
        pause_.reset();
        if (unread_) read_soon();
    });
}

void AttemptRun::read_reports(std::uint64_t bytes_max) {
    if (!reports_.is_open()) {
        auto file = io::open_file(folder_ / "reports", O_RDONLY);
        if (!file.ok()) return;
        reports_ = std::move(file).value();
    }
    const std::uint64_t size = size_of(reports_);
    if (size > reports_offset_ + reports_at_end) reports_offset_ = size - reports_at_end;
    while (bytes_max > 0) {
        const std::size_t wanted = std::min<std::uint64_t>(bytes_max, reports_piece);
        std::string piece = read_piece(reports_, reports_offset_, wanted);
        if (piece.empty()) return;
        reports_offset_ += piece.size();
        bytes_max -= piece.size();
        report_(JobSaid{lease_, log_offset_, "", std::move(piece)});
    }
}

/// Whether there may be more.
bool AttemptRun::read_log() {
    if (!log_.is_open()) {
        auto file = io::open_file(folder_ / "log", O_RDONLY);
        if (!file.ok()) return false;
        log_ = std::move(file).value();
    }
    const std::uint64_t size = size_of(log_);
    if (size > log_offset_ + log_backlog_max) log_offset_ = size - log_piece;
    const std::string piece = read_piece(log_, log_offset_, log_piece);
    const std::size_t whole = provider::whole_characters(piece);
    if (whole == 0) return false;
    std::string text = to_display(std::string_view(piece).substr(0, whole));
    report_(JobSaid{lease_, log_offset_, std::move(text), ""});
    log_offset_ += whole;
    return size > log_offset_ + piece.size() - whole;
}

}  // namespace shoal::apps
