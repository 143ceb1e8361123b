// What a job says, cut anywhere, with a value that it chose: nothing of the value is left.

#include "sandbox/scrubber.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t head = 2;
    if (size < head + 1) return 0;
    const std::string_view all(reinterpret_cast<const char*>(data), size);
    const std::size_t value_size = 1 + data[0] % (size - head);
    const std::size_t piece = 1 + data[1];
    const std::string value(all.substr(head, value_size));
    if (!shoal::is_utf8(value)) return 0;  // as none is that came in a message
    const std::string_view said = all.substr(head);
    shoal::sandbox::Scrubber scrubber({{"KEY", value}});
    std::string clean;
    for (std::size_t at = 0; at < said.size(); at += piece) {
        clean += scrubber.scrub(said.substr(at, piece));
    }
    clean += scrubber.finish();
    shoal::check(clean == scrubber.scrub_whole(said));
    shoal::check(clean.starts_with("[secret KEY]"));
    return 0;
}
