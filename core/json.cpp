#include "core/json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <utility>
#include <vector>

#include "core/text.h"

namespace shoal::json {

namespace {

constexpr std::size_t quoted_size_max = 80;

/// Letters put in, left out, replaced, or swapped with the next one: "jbos" is one from "jobs".
std::size_t edits(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before;
    std::vector<std::size_t> above;
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
        before = std::exchange(above, row);
        row[0] = i + 1;
        for (std::size_t j = 0; j < to.size(); ++j) {
            const std::size_t replaced = above[j] + (from[i] == to[j] ? 0 : 1);
            row[j + 1] = std::min({replaced, row[j] + 1, above[j + 1] + 1});
            const bool swapped = i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j];
            if (swapped) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
        }
    }
    return row.back();
}

/// How RFC 8259, section 7, writes a character that may not stand in a string as it is; the short
/// form where there is one. Empty for all others.
std::string_view escape_of(char letter) {
    constexpr std::array<std::string_view, 0x20> controls{
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\b",     "\\t",     "\\n",     "\\u000b", "\\f",     "\\r",     "\\u000e", "\\u000f",
        "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
        "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f"};
    if (letter == '"') return "\\\"";
    if (letter == '\\') return "\\\\";
    const auto byte = static_cast<unsigned char>(letter);
    return byte < controls.size() ? controls.at(byte) : std::string_view();
}

}  // namespace

std::string print(const Value& value) {
    return boost::json::serialize(value);
}

std::string_view nearest(std::string_view written, const std::vector<std::string_view>& known) {
    std::string_view best;
    std::size_t fewest = quoted_size_max;
    for (const std::string_view name : known) {
        const std::size_t most = std::max<std::size_t>(1, name.size() / 3);
        const std::size_t longer = std::max(name.size(), written.size());
        // Each letter more is an edit: what is much longer needs no looking at.
        if (longer > quoted_size_max || 2 * longer - name.size() - written.size() > most) continue;
        const std::size_t distance = edits(written, name);
        if (distance > most || distance >= fewest) continue;
        best = name;
        fewest = distance;
    }
    return best;
}

namespace detail {

Error within(std::string_view place, Error error) {
    const char first = error.what.empty() ? ':' : error.what.front();
    const bool names_a_field = first != ':' && first != '[';
    error.what = shorten(place, quoted_size_max) + (names_a_field ? "." : "") + error.what;
    return error;
}

Error unexpected(std::string_view wanted, const Value& got) {
    return {Code::invalid,
            ": expected " + std::string(wanted) + ", got " + shorten(print(got), quoted_size_max)};
}

Error unknown_key(std::string_view key, const std::vector<std::string_view>& known) {
    std::string what = shorten(key, quoted_size_max) + ": unknown";
    const std::string_view near = nearest(key, known);
    if (!near.empty()) what += "; did you mean " + std::string(near) + "?";
    return {Code::invalid, what};
}

void print_string(std::string_view text, std::string& out) {
    out.append(1, '"');
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view escape = escape_of(text[i]);
        if (escape.empty()) continue;
        out.append(text.substr(begin, i - begin)).append(escape);
        begin = i + 1;
    }
    out.append(text.substr(begin)).append(1, '"');
}

Value Kind<double>::write(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return number;
}

Result<double> Kind<double>::read(const Value& value, Reader /*reader*/) {
    if (value.is_number()) return value.to_number<double>();
    if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (value == "Infinity") return std::numeric_limits<double>::infinity();
    if (value == "-Infinity") return -std::numeric_limits<double>::infinity();
    return unexpected("a number", value);
}

void Kind<double>::print(double number, std::string& out) {
    out.append(json::print(write(number)));
}

Value Kind<Scalar>::write(const Scalar& scalar) {
    return std::visit([]<class T>(const T& value) -> Value { return Kind<T>::write(value); },
                      scalar.value);
}

void Kind<Scalar>::print(const Scalar& scalar, std::string& out) {
    std::visit([&]<class T>(const T& value) { Kind<T>::print(value, out); }, scalar.value);
}

Result<Scalar> Kind<Scalar>::read(const Value& value, Reader /*reader*/) {
    if (const auto* text = value.if_string()) return Scalar{std::string(*text)};
    if (value.is_bool()) return Scalar{value.get_bool()};
    if (value.is_double()) return Scalar{value.get_double()};
    boost::json::error_code failure;
    if (value.is_number()) {
        const auto number = value.to_number<std::int64_t>(failure);
        if (!failure) return Scalar{number};
    }
    return unexpected("a single value (text, number, true or false)", value);
}

}  // namespace detail

}  // namespace shoal::json
