#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "market/api/api.h"

namespace shoal::market {

/// What is refused, and with which status.
struct Refusal {
    int status = 400;
    Error error;
    std::string hint;
};

/// 400 invalid, 403 denied, 404 not_found, 409 conflict and stale, 429 exhausted (or what the route
/// says), 500 corrupt, 501 unsupported, 503 unavailable, 504 timeout.
int status_of(Code, int exhausted_status);

/// An error that names a place ("resources.memory: expected …") has it in `path` too, one that
/// names what was meant has it in `hint`.
ApiAnswer to_answer(const ApiRequest&, const Refusal&);

/// 410: the bytes were there; since when they are not, where that is remembered.
ApiAnswer gone(const ApiRequest&, std::optional<Time> dropped);

}  // namespace shoal::market
