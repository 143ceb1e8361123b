// Any bytes: parsed as JSON, read as the biggest structs by both readers. What is accepted must
// be written and read back as the same; what is refused must be said in UTF-8.

#include "core/json.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/limits.h"
#include "core/text.h"
#include "protocol/attempt.h"
#include "protocol/events.h"
#include "protocol/job.h"
#include "protocol/ledger.h"
#include "protocol/offer.h"

namespace shoal {
namespace {

json::Value parsed(std::string_view text) {
    return json::parse(text, 16 * limits::body_bytes).value();
}

template <class T>
void read_as(const json::Value& value) {
    for (const auto reader : {json::Reader::strict, json::Reader::tolerant}) {
        const auto thing = json::read<T>(value, reader);
        if (!thing.ok()) {
            check(is_utf8(thing.error().what));
            continue;
        }
        const std::string written = json::print(thing.value());
        check(json::print(json::write(thing.value())) == written);
        const auto again = json::read<T>(parsed(written), json::Reader::strict);
        check(again.ok());
        check(json::print(again.value()) == written);
    }
}

void run(std::string_view text) {
    const auto value = json::parse(text, limits::body_bytes);
    if (!value.ok()) return;
    const std::string printed = json::print(value.value());
    check(is_utf8(printed));
    check(json::print(parsed(printed)) == printed);
    read_as<protocol::JobSpec>(value.value());
    read_as<protocol::Offer>(value.value());
    read_as<protocol::Event>(value.value());
    read_as<protocol::LedgerState>(value.value());
    read_as<protocol::AttemptSpec>(value.value());
    read_as<protocol::AttemptOutcome>(value.value());
}

}  // namespace
}  // namespace shoal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
