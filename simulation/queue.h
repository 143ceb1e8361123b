#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "core/time.h"

namespace shoal::simulation {

/// What is to happen, in the order of its time; what is due at one time, in the order in which it
/// was put there.
class Queue {
public:
    using Task = std::function<void()>;

    void put(Time at, Task task) {
        waiting_.push_back({at, ++count_, std::move(task)});
        std::ranges::push_heap(waiting_, later);
    }

    bool empty() const { return waiting_.empty(); }
    Time next_time() const { return waiting_.front().at; }

    Task take() {
        std::ranges::pop_heap(waiting_, later);
        Task task = std::move(waiting_.back().task);
        waiting_.pop_back();
        return task;
    }

private:
    struct Entry {
        Time at;
        std::uint64_t order = 0;
        Task task;
    };
    static bool later(const Entry& left, const Entry& right) {
        return std::pair(left.at, left.order) > std::pair(right.at, right.order);
    }

    std::vector<Entry> waiting_;  // a heap
    std::uint64_t count_ = 0;
};

}  // namespace shoal::simulation
