// Any bytes: the first line is an event's name, the rest its body, as a row of a journal has them.
// What is read is written and read again as the same.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"
#include "protocol/events.h"

namespace shoal {
namespace {

void run(std::string_view text) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return;
    const std::string_view name = text.substr(0, end);
    const auto body = json::parse(text.substr(end + 1), 4 * limits::body_bytes);
    if (!body.ok()) return;
    const auto event = protocol::read_event(name, body.value());
    if (!event.ok()) {
        if (is_utf8(name)) check(is_utf8(event.error().what));
        return;
    }
    check(protocol::event_name(event.value()) == name);
    const std::string written = protocol::print_event(event.value());
    const auto value = json::parse(written, 64 * limits::body_bytes);
    const auto again = protocol::read_event(name, value.value());
    check(again.ok());
    check(protocol::print_event(again.value()) == written);
}

}  // namespace
}  // namespace shoal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
