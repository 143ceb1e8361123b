// A request's target and its ranges, as a stranger writes them.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "core/text.h"
#include "io/url.h"

namespace {

using shoal::check;
using shoal::is_utf8;
namespace io = shoal::io;

void check_path(std::string_view path) {
    check(path.starts_with('/') && is_utf8(path));
    check(path.find("//") == std::string_view::npos && path.find('\\') == std::string_view::npos);
    check(path.find("/../") == std::string_view::npos && !path.ends_with("/.."));
    check(path.find("/./") == std::string_view::npos && !path.ends_with("/."));
    for (const char c : path) check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

void check_range(std::string_view text, std::uint64_t size) {
    const io::ByteRange range = io::parse_range(text, size);
    if (range.kind == io::ByteRange::Kind::unsatisfiable) return;
    check(range.first <= size && range.count <= size - range.first);
    if (range.kind == io::ByteRange::Kind::part) check(range.count > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto target = io::parse_target(text); target.ok()) check_path(target.value().path);
    for (const std::uint64_t length : {0ULL, 1ULL, 1'000ULL, ~0ULL}) check_range(text, length);
    if (const auto part = io::parse_content_range(text); part.ok()) {
        check(part.value().first <= part.value().last && part.value().last < part.value().size);
    }
    if (const auto url = io::parse_base_url(text); url.ok()) {
        check(io::parse_base_url(io::to_string(url.value())).ok());
    }
    const auto again = io::parse_target("/" + io::encode_segment(text));
    check(!again.ok() || again.value().path.substr(1) == text);
    return 0;
}
