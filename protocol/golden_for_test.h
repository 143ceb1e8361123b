#pragma once

// What stands on the wires, as committed text: protocol/testdata/NAME.txt, on each line the name of
// a kind of thing and one of them. A change of a wire is a change of one of these files.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/schema.h"

namespace shoal::protocol {

struct GoldenLine {
    std::string name;
    std::string text;
};
std::vector<GoldenLine> read_golden_lines(std::string_view file);

/// The only line of that name.
std::string golden_text(std::string_view file, std::string_view name);

/// Something that is written to a wire as JSON.
struct WireKind {
    std::string_view name;
    Result<json::Value> (*again)(const json::Value&, json::Reader);  // read, and then written
    json::Value (*schema)();
};

template <class T>
constexpr WireKind wire_kind(std::string_view name) {
    return {name,
            [](const json::Value& value, json::Reader reader) -> Result<json::Value> {
                return json::write(TRY(json::read<T>(value, reader)));
            },
            [] { return json::schema<T>(json::Side::written); }};
}

/// Holds every line of a file to its kind. It has every field there is, is read by the strict
/// reader and printed to the same bytes. The tolerant reader passes over what a later release might
/// add and does without what an earlier one did not have. Whatever a stranger makes of it is
/// refused, or read and printed soundly. Each kind must have a line.
void check_goldens(std::string_view file, std::span<const WireKind> kinds);

/// Holds lines that are the closed lists of enumerators to them.
void check_enumerators(std::string_view file, std::span<const WireKind> kinds);

}  // namespace shoal::protocol
