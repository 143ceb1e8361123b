// Any bytes as YAML. What is accepted keeps the limits, has a place for each of its parts, and is
// the same when its JSON is read again; what is refused is said in UTF-8.

#include "io/yaml.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/text.h"
#include "protocol/job.h"

namespace shoal::io::yaml {
namespace {

void check_places(const json::Value& value, const Places& places, std::size_t depth) {
    check(depth <= limits::json_depth);
    check(places.position.line > 0 && places.position.column > 0);
    if (const auto* object = value.if_object()) {
        check(object->size() == places.members.size());
        for (const auto& [key, member] : *object) {
            check_places(member, places.members.find(std::string_view(key))->second, depth + 1);
        }
    } else if (const auto* array = value.if_array()) {
        check(array->size() == places.items.size());
        for (std::size_t i = 0; i < array->size(); ++i) {
            check_places((*array)[i], places.items[i], depth + 1);
        }
    }
}

void run(std::string_view text) {
    // The first line is a path to look up; the rest is the file.
    const std::size_t end = text.find('\n');
    const std::string_view path = text.substr(0, end);
    const auto document = parse(end == std::string_view::npos ? text : text.substr(end + 1));
    if (!document.ok()) return check(is_utf8(document.error().what));
    check_places(document.value().value, document.value().places, 0);
    check(document.value().position_of(path).line > 0);
    check(is_utf8(json::print(document.value().value)));
    const auto job = read<protocol::JobSpec>(document.value());
    if (!job.ok()) check(is_utf8(job.error().what));
}

}  // namespace
}  // namespace shoal::io::yaml

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::io::yaml::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
