#include "apps/follow.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "apps/words.h"
#include "core/text.h"
#include "protocol/reasons.h"

namespace shoal::apps {

namespace {

constexpr Duration listen_time{200};  // how soon Ctrl-C is noticed
constexpr Duration retry_delay_min{100};
constexpr Duration retry_delay_max{5'000};
constexpr Duration retry_time_max{120'000};
constexpr std::size_t bar_columns = 24;
constexpr std::size_t metrics_shown_max = 3;

volatile std::sig_atomic_t interrupts = 0;

extern "C" void note_interrupt(int signal) {
    interrupts = interrupts + 1;
    if (interrupts > 1) std::_Exit(128 + signal);
}

const json::Value* member(const protocol::FeedItem& item, std::string_view name) {
    const auto* body = item.body.if_object();
    return body ? body->if_contains(name) : nullptr;
}

std::string text_in(const protocol::FeedItem& item, std::string_view name) {
    const json::Value* value = member(item, name);
    const auto* text = value ? value->if_string() : nullptr;
    return text ? std::string(*text) : "";
}

std::optional<double> number_in(const protocol::FeedItem& item, std::string_view name) {
    const json::Value* value = member(item, name);
    if (!value) return std::nullopt;
    const auto number = json::read<double>(*value, json::Reader::tolerant);
    return number.ok() ? std::optional(number.value()) : std::nullopt;
}

std::uint64_t place_in(const protocol::FeedItem& item) {
    const json::Value* value = member(item, "offset");
    if (!value) return 0;
    const auto number = json::read<std::uint64_t>(*value, json::Reader::tolerant);
    return number.ok() ? number.value() : 0;
}

/// Whether the text is the log's bytes as they are, with nothing replaced or escaped.
bool is_verbatim(std::string_view text) {
    return text.find("\xef\xbf\xbd") == std::string_view::npos &&
           text.find("\\x") == std::string_view::npos;
}

}  // namespace

bool Pace::may(TaskId task, Duration now) {
    const auto said = said_.find(task);
    if (said != said_.end() && now - said->second < each_) return false;
    if (said_any_ && now - *said_any_ < any_) return false;
    said_[task] = now;
    said_any_ = now;
    return true;
}

Interrupts::Interrupts() {
    interrupts = 0;
    std::signal(SIGINT, note_interrupt);
}

Interrupts::~Interrupts() {
    std::signal(SIGINT, SIG_DFL);
}

bool Interrupts::pressed() const {
    return interrupts > 0;
}

std::string LogLines::add(std::string_view piece) {
    std::string lines;
    for (auto end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
        lines += prefix_ + begun_ + std::string(piece.substr(0, end + 1));
        begun_.clear();
        piece.remove_prefix(end + 1);
    }
    begun_ += piece;
    return lines;
}

std::string LogLines::finish() {
    if (begun_.empty()) return "";
    std::string line = prefix_ + begun_ + "\n";
    begun_.clear();
    return line;
}

std::string label_of(const protocol::TaskView& task) {
    std::string label;
    for (const auto& [name, value] : task.parameters) {
        label += fmt::format("{}{}={}", label.empty() ? "" : " ", name, to_string(value));
    }
    return label.empty() ? to_string(task.task) : label;
}

Follower::Follower(Client& client, const Output& out, JobId job, Options options)
    : client_(client), out_(out), job_(job), options_(options) {}

Status Follower::begin() {
    for (const protocol::TaskView& task : TRY(client_.tasks(job_))) {
        labels_[task.task] = label_of(task);
        parts_[task.task] = 0;
    }
    return Done{};
}

Result<std::optional<bool>> Follower::follow_once(const Interrupts& ctrl_c) {
    const std::optional<bool> again;
    auto feed = client_.feed(job_, after_);
    if (!feed.ok()) {
        const Code code = feed.error().code;
        if (code == Code::unavailable || code == Code::timeout) return again;
        return std::move(feed).error();
    }
    io::MessageFeed open = std::move(feed).value();
    const auto heard = listen(open, ctrl_c);
    clear_bar();
    return heard.ok() ? std::optional(heard.value()) : again;
}

Result<bool> Follower::follow(const Interrupts& ctrl_c) {
    Duration lost{};
    Duration delay = retry_delay_min;
    for (;;) {
        const std::uint64_t before = messages_;
        const auto over = TRY(follow_once(ctrl_c));
        if (over) return *over;
        if (messages_ != before) {
            lost = Duration{};
            delay = retry_delay_min;
        }
        if (ctrl_c.pressed()) return false;
        if (lost > retry_time_max) {
            return advise({Code::unavailable, "the market cannot be reached; the job goes on"},
                          fmt::format("Follow it later: shoal logs -f {}", to_string(job_)));
        }
        if (lost == Duration{}) out_.say("the connection to the market is lost; trying again");
        std::this_thread::sleep_for(delay);
        lost += delay;
        delay = std::min(delay * 2, retry_delay_max);
    }
}

Result<bool> Follower::listen(io::MessageFeed& feed, const Interrupts& ctrl_c) {
    draw_bar();
    while (!ended_) {
        if (ctrl_c.pressed()) return false;
        auto message = feed.next(listen_time);
        if (!message.ok() && message.error().code == Code::timeout) continue;
        if (!message.ok()) return std::move(message).error();
        for (const protocol::FeedItem& item : TRY(read_feed_items(message.value()))) {
            ++messages_;
            out_.print_as_json(item);
            hear(item);
            if (item.sequence > 0) after_ = item.sequence;
        }
        draw_bar();
    }
    return true;
}

void Follower::hear(const protocol::FeedItem& item) {
    struct Row {
        std::string_view name;
        void (Follower::*hear)(const protocol::FeedItem&);
    };
    constexpr Row rows[] = {
        {"log", &Follower::hear_log},
        {"metric", &Follower::hear_metric},
        {"attempt_started", &Follower::hear_attempt_start},
        {"attempt_ended", &Follower::hear_attempt_end},
        {"task_ended", &Follower::hear_task_end},
    };
    for (const Row& row : rows) {
        if (row.name == item.name) return (this->*row.hear)(item);
    }
    if (item.name == "progress" && item.task) {
        parts_[*item.task] = std::clamp(number_in(item, "progress").value_or(0), 0.0, 1.0);
    }
    if (item.name == "task_requeued") tell(item, "waits for another try: " + reason_in(item));
    if (item.name == "job_ended") ended_ = true;
}

void Follower::hear_log(const protocol::FeedItem& item) {
    if (!item.lease || !item.task || !is_wanted(*item.task)) return;
    Attempt& attempt = attempt_of(*item.lease, *item.task);
    tell_start(item, attempt);
    const std::uint64_t place = place_in(item);
    if (attempt.exact && place > attempt.next) catch_up(*item.lease, attempt);
    if (attempt.exact && place < attempt.next) return;  // shown already
    const std::string text = text_in(item, "text");
    show_lines(attempt.lines.add(text));
    attempt.next = place + text.size();
    attempt.exact = is_verbatim(text);
}

bool Follower::is_wanted(TaskId task) const {
    return !options_.task || *options_.task == task;
}

void Follower::hear_metric(const protocol::FeedItem& item) {
    const json::Value* values = member(item, "values");
    if (!values) return;
    auto read = json::read<std::map<std::string, double>>(*values, json::Reader::tolerant);
    if (!read.ok()) return;
    for (const auto& [name, value] : read.value()) metrics_[name] = value;
    if (!out_.words().interactive) tell_metrics(item, read.value());
}

/// Where no bar can show them: as lines, now and then. The last values are in the results.
void Follower::tell_metrics(const protocol::FeedItem& item,
                            const std::map<std::string, double>& values) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    if (values.empty() || !item.task || !is_wanted(*item.task)) return;
    if (!pace_.may(*item.task, std::chrono::duration_cast<Duration>(now))) return;
    std::string line;
    if (const auto step = number_in(item, "step")) line = fmt::format("step {:.0f}", *step);
    std::size_t shown = 0;
    for (const auto& [name, value] : values) {
        if (shown++ == metrics_shown_max) break;
        line += fmt::format("{}{} {:.4g}", line.empty() ? "" : "  ", to_display(name), value);
    }
    tell(item, line);
}

/// What an attempt said before the feed began comes now, not only with the next thing it says.
void Follower::hear_attempt_start(const protocol::FeedItem& item) {
    if (!item.lease || !item.task || !is_wanted(*item.task)) return;
    Attempt& attempt = attempt_of(*item.lease, *item.task);
    tell_start(item, attempt);
    catch_up(*item.lease, attempt);
}

/// Once: what an attempt says comes at once, that it started when that is on the market's disk.
void Follower::tell_start(const protocol::FeedItem& item, Attempt& attempt) {
    if (!std::exchange(attempt.told, true)) tell(item, "started");
}

void Follower::hear_attempt_end(const protocol::FeedItem& item) {
    if (!item.lease || !item.task || !is_wanted(*item.task)) return;
    Attempt& attempt = attempt_of(*item.lease, *item.task);
    if (attempt.exact) catch_up(*item.lease, attempt);
    show_lines(attempt.lines.finish());
    if (text_in(item, "reason") == "completed") return;
    const std::string detail = text_in(item, "detail");
    tell(item, "attempt ended: " + reason_in(item) + (detail.empty() ? "" : " (" + detail + ")"));
}

void Follower::hear_task_end(const protocol::FeedItem& item) {
    ++tasks_ended_;
    if (item.task) parts_[*item.task] = 1;
    tell(item, text_in(item, "state"));
}

/// The sentence of the reason that the item gives.
std::string Follower::reason_in(const protocol::FeedItem& item) const {
    protocol::Reason reason{};
    const std::string name = text_in(item, "reason");
    if (!boost::describe::enum_from_string(name.c_str(), reason)) return name;
    return std::string(protocol::row(reason).sentence);
}

void Follower::tell(const protocol::FeedItem& item, std::string_view what) {
    if (options_.shows != Shows::everything) return;
    clear_bar();
    out_.say(paint(out_.words(), Colour::dim, fmt::format("· {}: {}", label(item.task), what)));
}

Follower::Attempt& Follower::attempt_of(LeaseId lease, TaskId task) {
    const bool is_alone = labels_.size() <= 1 || options_.task;
    std::string prefix;
    if (!is_alone) prefix = paint(out_.results(), Colour::cyan, fmt::format("[{}] ", label(task)));
    return attempts_.try_emplace(lease, Attempt{task, LogLines(std::move(prefix))}).first->second;
}

/// Shows what the feed did not bring: it was said before the feed began, or while it was lost.
void Follower::catch_up(LeaseId lease, Attempt& attempt) {
    for (std::uint64_t from = attempt.next;;) {
        const auto piece = client_.log(lease, from);
        if (!piece.ok()) return;  // not kept any more; what comes next is shown
        if (piece.value().bytes.empty()) return;
        show_lines(attempt.lines.add(to_display(piece.value().bytes)));
        from = piece.value().next;
        attempt.next = piece.value().end;
        attempt.exact = is_verbatim(piece.value().bytes);
    }
}

void Follower::show_lines(const std::string& lines) {
    if (lines.empty() || out_.json()) return;
    clear_bar();
    out_.print(lines);
}

std::string Follower::label(const std::optional<TaskId>& task) const {
    if (!task) return to_string(job_);
    const auto found = labels_.find(*task);
    return found == labels_.end() ? to_string(*task) : found->second;
}

double Follower::progress() const {
    if (parts_.empty()) return 0;
    double sum = 0;
    for (const auto& [task, part] : parts_) sum += part;
    return sum / static_cast<double>(parts_.size());
}

void Follower::draw_bar() {
    if (!out_.words().interactive || out_.json() || options_.shows != Shows::everything) return;
    const std::size_t bar = std::min(bar_columns, out_.words().width / 4);
    std::string line = progress_bar(progress(), bar) +
                       fmt::format("  {} of {}", tasks_ended_, counted(parts_.size(), "task"));
    std::size_t shown = 0;
    for (const auto& [name, value] : metrics_) {
        if (shown++ == metrics_shown_max) break;
        line += fmt::format("  {} {:.4g}", to_display(name), value);
    }
    std::fputs(("\r\x1b[K" + shorten(line, out_.words().width - 1)).c_str(), stderr);
    bar_drawn_ = true;
}

void Follower::clear_bar() {
    if (!bar_drawn_) return;
    std::fputs("\r\x1b[K", stderr);
    bar_drawn_ = false;
}

}  // namespace shoal::apps
