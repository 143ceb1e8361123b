#include <charconv>
#include <cmath>

#include <boost/json/basic_parser_impl.hpp>

#include "core/json.h"
#include "core/limits.h"

namespace shoal::json {

namespace {

using boost::json::error_code;
using boost::json::string_view;

/// Builds the value as the library's own parser does, but for numbers: the library's may be off by
/// the last bit, so that a number would not be read back as it was written, and it takes what is
/// too large for an infinity, which has no form in JSON.
struct Builder {
    static constexpr std::size_t max_object_size = boost::json::object::max_size();
    static constexpr std::size_t max_array_size = boost::json::array::max_size();
    static constexpr std::size_t max_key_size = boost::json::string::max_size();
    static constexpr std::size_t max_string_size = boost::json::string::max_size();

    bool on_document_begin(error_code& /*failure*/) { return true; }
    bool on_document_end(error_code& /*failure*/) { return true; }
    bool on_object_begin(error_code& /*failure*/) { return true; }
    bool on_object_end(std::size_t count, error_code& /*failure*/) {
        return stack.push_object(count), true;
    }
    bool on_array_begin(error_code& /*failure*/) { return true; }
    bool on_array_end(std::size_t count, error_code& /*failure*/) {
        return stack.push_array(count), true;
    }
    bool on_key_part(string_view part, std::size_t /*size*/, error_code& /*failure*/) {
        return stack.push_chars(part), true;
    }
    bool on_key(string_view rest, std::size_t /*size*/, error_code& /*failure*/) {
        return stack.push_key(rest), true;
    }
    bool on_string_part(string_view part, std::size_t /*size*/, error_code& /*failure*/) {
        return stack.push_chars(part), true;
    }
    bool on_string(string_view rest, std::size_t /*size*/, error_code& /*failure*/) {
        return stack.push_string(rest), true;
    }
    bool on_number_part(string_view part, error_code& /*failure*/) {
        return number.append(part), true;
    }
    bool on_int64(std::int64_t value, string_view /*rest*/, error_code& /*failure*/) {
        number.clear();
        return stack.push_int64(value), true;
    }
    bool on_uint64(std::uint64_t value, string_view /*rest*/, error_code& /*failure*/) {
        number.clear();
        return stack.push_uint64(value), true;
    }
    bool on_double(double rounded, string_view rest, error_code& failure) {
        number.append(rest);
        double exact = 0;
        const auto end = number.data() + number.size();
        const auto result = std::from_chars(number.data(), end, exact);
        if (result.ec == std::errc::result_out_of_range)
            exact = std::abs(rounded) < 1 ? 0 : rounded;
        const bool whole = result.ptr == end && result.ec != std::errc::invalid_argument;
        number.clear();
        if (!whole || !std::isfinite(exact)) {
            failure = boost::json::error::exponent_overflow;
            return false;
        }
        return stack.push_double(exact), true;
    }
    bool on_bool(bool value, error_code& /*failure*/) { return stack.push_bool(value), true; }
    bool on_null(error_code& /*failure*/) { return stack.push_null(), true; }
    bool on_comment_part(string_view /*part*/, error_code& /*failure*/) { return true; }
    bool on_comment(string_view /*rest*/, error_code& /*failure*/) { return true; }

    boost::json::value_stack stack;
    std::string number;
};

}  // namespace

Result<Value> parse(std::string_view text, std::size_t size_max) {
    if (text.size() > size_max) {
        return Error{Code::invalid, "expected at most " + std::to_string(size_max) +
                                        " bytes of JSON, got " + std::to_string(text.size())};
    }
    boost::json::parse_options options;
    options.max_depth = limits::json_depth;
    boost::json::basic_parser<Builder> parser(options);
    parser.handler().stack.reset();
    error_code failure;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), failure);
    if (!failure && used < text.size()) failure = boost::json::error::extra_data;
    if (failure) return Error{Code::invalid, "not valid JSON: " + failure.message()};
    return parser.handler().stack.release();
}

}  // namespace shoal::json
