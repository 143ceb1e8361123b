#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "io/loop.h"

namespace shoal::apps {

/// Work that may wait for the disk or the network, one piece after another on the loop's pool; what
/// it found comes back to the core thread. Core thread only.
class Lane {
public:
    /// Runs on the pool and gives what is to run on the core thread then.
    using Work = std::function<std::function<void()>()>;

    explicit Lane(io::Loop& loop) : loop_(loop) {}
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void add(Work work) {
        waiting_.push_back(std::move(work));
        if (!busy_) next();
    }
    bool idle() const { return !busy_ && waiting_.empty(); }

private:
    void next() {
        busy_ = !waiting_.empty();
        if (!busy_) return;
        Work work = std::move(waiting_.front());
        waiting_.pop_front();
        loop_.post_blocking([this, work = std::move(work)] {
            std::function<void()> found = work();
            loop_.post([this, found = std::move(found)] {
                next();
                found();
            });
        });
    }

    io::Loop& loop_;
    std::deque<Work> waiting_;
    bool busy_ = false;
};

}  // namespace shoal::apps
