#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace shoal::apps {

/// What a command tells the shell that started it.
enum class Exit {
    done = 0,
    job_failed = 1,
    usage = 2,
    refused = 3,
    unreachable = 4,
    no_funds = 5,
    interrupted = 130,
};

/// The error with one more line that says what to do next.
inline Error advise(Error error, std::string_view advice) {
    if (!advice.empty()) error.what.append("\n").append(advice);
    return error;
}

/// The exit code of an error that this program found itself.
inline Exit exit_of(const Error& error) {
    switch (error.code) {
        case Code::invalid:
        case Code::not_found:
        case Code::unsupported:
            return Exit::usage;
        case Code::unavailable:
        case Code::timeout:
            return Exit::unreachable;
        case Code::denied:
        case Code::conflict:
        case Code::exhausted:
        case Code::stale:
        case Code::corrupt:
            return Exit::refused;
    }
    return Exit::refused;
}

}  // namespace shoal::apps
