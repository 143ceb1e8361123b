#pragma once

// What a person sees of a job while it runs.

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "apps/client.h"
#include "apps/output.h"
#include "core/result.h"
#include "core/time.h"
#include "protocol/api.h"
#include "protocol/api_market.h"

namespace shoal::apps {

/// Ctrl-C, while one of these lives: the first one only sets it, the second one ends the process.
class Interrupts {
public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    bool pressed() const;
};

/// Puts together lines that arrive in pieces, each with the task's name in front.
class LogLines {
public:
    explicit LogLines(std::string prefix) : prefix_(std::move(prefix)) {}

    /// The lines that are complete now.
    std::string add(std::string_view piece);

    /// What stands there without a newline at the end.
    std::string finish();

private:
    std::string prefix_;
    std::string begun_;
};

/// Lets a line about each task through now and then: seldom enough to read, also with many tasks.
class Pace {
public:
    Pace(Duration each, Duration any) : each_(each), any_(any) {}

    bool may(TaskId, Duration now);

private:
    Duration each_;
    Duration any_;
    std::map<TaskId, Duration> said_;
    std::optional<Duration> said_any_;
};

/// "rate=0.1 l2=0", or the task's id if it has no parameters.
std::string label_of(const protocol::TaskView&);

/// Follows one job by the feed, from its beginning or from now on, and shows its logs, metrics and
/// progress. A connection that breaks is made again, and nothing of what is durable is missed.
class Follower {
public:
    enum class Shows { everything, logs };
    struct Options {
        Shows shows = Shows::everything;
        std::optional<TaskId> task;  // shows this one's log only
    };

    Follower(Client& client, const Output& out, JobId job, Options options);

    /// What is to know before the feed begins. Errors of Client.
    Status begin();

    /// Until the job has ended (true) or Ctrl-C was pressed (false). unavailable: the market
    /// could not be reached for too long; the job goes on.
    Result<bool> follow(const Interrupts&);

private:
    struct Attempt {
        TaskId task;
        LogLines lines;
        std::uint64_t next = 0;  // the place in the log after what was shown
        bool exact = true;       // whether `next` is known to the byte
        bool told = false;       // that it started
    };

    /// Messages until the feed breaks off (its error), the end or Ctrl-C.
    /// As follow(), over one connection; nothing if that was lost.
    Result<std::optional<bool>> follow_once(const Interrupts& ctrl_c);
    Result<bool> listen(io::MessageFeed& feed, const Interrupts&);
    void hear(const protocol::FeedItem&);
    void hear_log(const protocol::FeedItem&);
    bool is_wanted(TaskId) const;
    void hear_metric(const protocol::FeedItem&);
    void tell_metrics(const protocol::FeedItem&, const std::map<std::string, double>&);
    void hear_attempt_start(const protocol::FeedItem&);
    void tell_start(const protocol::FeedItem&, Attempt&);
    void hear_attempt_end(const protocol::FeedItem&);
    void hear_task_end(const protocol::FeedItem&);
    void tell(const protocol::FeedItem&, std::string_view what);
    std::string reason_in(const protocol::FeedItem&) const;

    Attempt& attempt_of(LeaseId, TaskId);
    void catch_up(LeaseId, Attempt&);
    void show_lines(const std::string& lines);
    std::string label(const std::optional<TaskId>&) const;
    double progress() const;
    void draw_bar();
    void clear_bar();

    Client& client_;
    const Output& out_;
    JobId job_;
    Options options_;
    std::map<TaskId, std::string> labels_;
    std::map<TaskId, double> parts_;  // how far each task is, 0 to 1
    std::map<LeaseId, Attempt> attempts_;
    std::map<std::string, double> metrics_;
    Pace pace_{std::chrono::seconds{5}, std::chrono::seconds{1}};
    std::uint64_t after_ = 0;  // the last sequence number that came
    std::uint64_t messages_ = 0;
    std::size_t tasks_ended_ = 0;
    bool ended_ = false;
    bool bar_drawn_ = false;
};

}  // namespace shoal::apps
