#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/limits.h"
#include "core/result.h"

namespace shoal::io::yaml {

/// Counted from one, as editors do; columns are bytes.
struct Position {
    std::size_t line = 1;
    std::size_t column = 1;

    friend bool operator==(Position, Position) = default;
};

/// Where the parts of a value were written: of an object's member its key, of a list its items.
struct Places {
    Position position;
    std::map<std::string, Places, std::less<>> members;
    std::vector<Places> items;
};

/// A file that a person wrote: its value, and where each part of it stands.
struct Document {
    json::Value value;
    Places places;

    /// Of a path like `tasks[2].resources.memory`; of what is not there, where it is missing.
    Position position_of(std::string_view path) const;

    /// The error of a reader, whose text begins with a path, with `line 3, column 5: ` in front.
    Error placed(Error error) const;
};

/// Reads YAML 1.2 (core schema), of which JSON is a part. A file without content is null.
/// invalid, with line, column and what to do: an anchor, an alias, a tag, a key that is there
/// twice or is not text, a second document, nesting deeper than 32, above size_max, not UTF-8,
/// a control character.
Result<Document> parse(std::string_view text, std::size_t size_max = limits::job_file_bytes);

/// Reads a described struct, strictly; errors say where.
template <class T>
Result<T> read(const Document& document) {
    auto result = json::read<T>(document.value, json::Reader::strict);
    if (!result.ok()) return document.placed(std::move(result).error());
    return result;
}

}  // namespace shoal::io::yaml
