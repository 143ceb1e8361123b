#pragma once

#include <chrono>
#include <string>
#include <thread>

#include "core/bytes.h"
#include "core/result.h"
#include "core/time.h"
#include "io/entropy.h"

namespace shoal::apps {

/// Submits once, however often it has to be asked: `ask` gets the same idempotency key each time.
template <class Ask>
auto submit_surely(Ask ask) {
    constexpr int tries = 4;
    const std::string request = to_hex(ByteView(io::entropy()).first(16));
    Duration delay{250};
    for (int tried = 1;; ++tried, delay *= 2) {
        auto answer = ask(request);
        if (answer.ok() || tried == tries) return answer;
        const Code code = answer.error().code;
        if (code != Code::unavailable && code != Code::timeout) return answer;
        std::this_thread::sleep_for(delay);
    }
}

}  // namespace shoal::apps
