#include "core/result.h"

namespace shoal {

std::string_view to_string(Code code) {
    switch (code) {
        case Code::invalid:
            return "invalid";
        case Code::denied:
            return "denied";
        case Code::not_found:
            return "not_found";
        case Code::conflict:
            return "conflict";
        case Code::exhausted:
            return "exhausted";
        case Code::stale:
            return "stale";
        case Code::unavailable:
            return "unavailable";
        case Code::timeout:
            return "timeout";
        case Code::corrupt:
            return "corrupt";
        case Code::unsupported:
            return "unsupported";
    }
    check(false);
    return "";
}

}  // namespace shoal
