#pragma once

// What the provider's tests share.

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/session.h"
#include "provider/steps.h"

namespace shoal::provider::testing {

inline protocol::session::Order make_order(std::uint64_t lease, std::uint32_t cores = 1) {
    protocol::session::Order order;
    order.lease = LeaseId{lease};
    order.job = JobId{1};
    order.task = TaskId{lease};
    order.command = {"true"};
    order.resources = {.cores = cores, .memory = 64_MiB, .disk = 64_MiB};
    order.time_max = Duration{60'000};
    order.left = Duration{60'000};
    return order;
}

inline protocol::JobInput make_input(std::string as) {
    protocol::JobInput input;
    input.as = std::move(as);
    input.blob = Hash{{1, 2, 3}};
    return input;
}

inline protocol::AttemptOutcome make_outcome(protocol::Reason reason) {
    protocol::AttemptOutcome outcome;
    outcome.reason = reason;
    outcome.started = true;
    return outcome;
}

template <class T>
std::vector<T> all_of(const Effects& effects) {
    std::vector<T> found;
    for (const Effect& effect : effects) {
        if (const T* one = std::get_if<T>(&effect)) found.push_back(*one);
    }
    return found;
}

/// The messages of one kind among those that are sent.
template <class T>
std::vector<T> said(const Effects& effects) {
    std::vector<T> found;
    for (const Send& send : all_of<Send>(effects)) {
        if (const T* one = std::get_if<T>(&send.frame.message)) found.push_back(*one);
    }
    return found;
}

}  // namespace shoal::provider::testing
