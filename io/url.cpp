#include "io/url.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "core/text.h"

namespace shoal::io {

namespace {

constexpr std::size_t target_size_max = 8'192;
constexpr std::size_t parameters_max = 64;

Error bad(std::string what) {
    return Error{Code::invalid, std::move(what)};
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
}

enum class Plus { literal, space };

/// Undoes percent-encoding; refuses bad escapes, control characters and bad UTF-8.
Result<std::string> decode(std::string_view text, Plus plus) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == Plus::space) {
            decoded.push_back(' ');
            continue;
        }
        if (text[i] != '%') {
            decoded.push_back(text[i]);
            continue;
        }
        if (text.size() - i < 3) return bad("a percent sign wants two hexadecimal digits");
        const int high = hex_digit(text[i + 1]);
        const int low = hex_digit(text[i + 2]);
        if (high < 0 || low < 0) return bad("a percent sign wants two hexadecimal digits");
        decoded.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    if (std::ranges::any_of(decoded, is_control)) return bad("a control character in the target");
    if (!is_utf8(decoded)) return bad("the target is not valid UTF-8");
    return decoded;
}

/// Cuts the part before the first `mark` off `rest`, and the mark too.
std::string_view cut(std::string_view& rest, char mark) {
    const std::size_t at = rest.find(mark);
    const std::string_view part = rest.substr(0, at);
    rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
    return part;
}

Result<std::string> decode_path(std::string_view path) {
    std::string decoded;
    std::string_view rest = path.substr(1);
    for (bool last = false; !last;) {
        last = rest.find('/') == std::string_view::npos;
        const std::string segment = TRY(decode(cut(rest, '/'), Plus::literal));
        if (segment.empty() && !last) return bad("an empty segment in the path");
        if (segment == "." || segment == "..") return bad("a dot segment in the path");
        if (segment.find_first_of("/\\") != std::string::npos) {
            return bad("a slash inside a segment of the path");
        }
        decoded += '/';
        decoded += segment;
    }
    return decoded;
}

Result<Fields> decode_query(std::string_view query) {
    Fields fields;
    while (!query.empty()) {
        std::string_view value = cut(query, '&');
        if (value.empty()) continue;
        if (fields.size() == parameters_max) return bad("more than 64 parameters in the target");
        std::string name = TRY(decode(cut(value, '='), Plus::space));
        std::string decoded = TRY(decode(value, Plus::space));
        fields.push_back(Field{std::move(name), std::move(decoded)});
    }
    return fields;
}

/// A whole number, all of the text; none if it is anything else.
template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool is_host(std::string_view host) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == ':';
    };
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, fits);
}

/// The scheme is cut off; says whether it is the secure one.
Result<bool> cut_scheme(std::string_view& rest) {
    for (const std::string_view scheme : {"http://", "ws://", "https://", "wss://"}) {
        if (!rest.starts_with(scheme)) continue;
        rest.remove_prefix(scheme.size());
        return scheme == "https://" || scheme == "wss://";
    }
    return bad("expected an address like http://host:port or https://host:port#sha256=PIN");
}

/// The host is cut off; what is left is empty or begins with the colon before the port.
Result<std::string> cut_host(std::string_view& rest) {
    std::string_view host;
    if (rest.starts_with('[')) {
        const std::size_t end = rest.find(']');
        if (end == std::string_view::npos) return bad("an IPv6 address wants its closing bracket");
        host = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
    } else {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        host = rest.substr(0, end);
        rest.remove_prefix(end);
    }
    if (!is_host(host)) return bad("expected the name or address of a host");
    return std::string(host);
}

}  // namespace

const std::string* find(const Fields& fields, std::string_view name) {
    const auto found = std::ranges::find(fields, name, &Field::name);
    return found == fields.end() ? nullptr : &found->value;
}

Result<Target> parse_target(std::string_view target) {
    if (target.size() > target_size_max) return bad("the target is longer than 8 KiB");
    if (!target.starts_with('/')) return bad("the target does not begin with a slash");
    std::string_view query = target;
    const std::string_view path = cut(query, '?');
    Target parsed;
    parsed.path = TRY(decode_path(path));
    parsed.query = TRY(decode_query(query));
    return parsed;
}

std::string encode_segment(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    for (const char c : text) {
        if (plain.find(c) != std::string_view::npos) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += digits[byte >> 4U];
        encoded += digits[byte & 15U];
    }
    return encoded;
}

ByteRange parse_range(std::string_view header, std::uint64_t size) {
    const ByteRange whole{ByteRange::Kind::whole, 0, size};
    const ByteRange unsatisfiable{ByteRange::Kind::unsatisfiable, 0, 0};
    if (!header.starts_with("bytes=")) return whole;
    header.remove_prefix(6);
    const std::size_t dash = header.find('-');
    if (dash == std::string_view::npos) return whole;
    const auto first = number<std::uint64_t>(header.substr(0, dash));
    const auto last = number<std::uint64_t>(header.substr(dash + 1));

    if (dash == 0) {  // the last so many bytes
        if (!last) return whole;
        if (*last == 0 || size == 0) return unsatisfiable;
        const std::uint64_t count = std::min(*last, size);
        return ByteRange{ByteRange::Kind::part, size - count, count};
    }
    const bool open_ended = dash + 1 == header.size();
    if (!first || (!last && !open_ended) || (last && *last < *first)) return whole;
    if (*first >= size) return unsatisfiable;
    const std::uint64_t end = open_ended ? size - 1 : std::min(*last, size - 1);
    return ByteRange{ByteRange::Kind::part, *first, end - *first + 1};
}

Result<ContentRange> parse_content_range(std::string_view header) {
    const Error wrong = bad("expected a Content-Range like \"bytes 0-99/1000\"");
    if (!header.starts_with("bytes ")) return wrong;
    header.remove_prefix(6);
    const auto first = number<std::uint64_t>(cut(header, '-'));
    const auto last = number<std::uint64_t>(cut(header, '/'));
    const auto size = number<std::uint64_t>(header);
    if (!first || !last || !size || *first > *last || *last >= *size) return wrong;
    return ContentRange{*first, *last, *size};
}

std::string to_string(const ContentRange& range) {
    return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
           std::to_string(range.size);
}

Result<BaseUrl> parse_base_url(std::string_view text) {
    BaseUrl url;
    url.secure = TRY(cut_scheme(text));
    std::string_view fragment = text;
    std::string_view rest = cut(fragment, '#');
    if (rest.ends_with('/')) rest.remove_suffix(1);
    url.host = TRY(cut_host(rest));
    url.port = url.secure ? 443 : 80;
    if (!rest.empty()) {
        const auto port = number<std::uint16_t>(rest.substr(1));
        if (rest.front() != ':' || !port || *port == 0) {
            return bad("expected a port from 1 to 65535 and no path in the address");
        }
        url.port = *port;
    }
    if (fragment.empty()) return url;
    if (!url.secure || !fragment.starts_with("sha256=")) {
        return bad("expected #sha256=PIN behind an https address");
    }
    url.pin = TRY(parse_hash(fragment.substr(7)));
    return url;
}

std::string to_string(const BaseUrl& url) {
    const bool v6 = url.host.find(':') != std::string::npos;
    return (url.secure ? "https://" : "http://") + (v6 ? "[" + url.host + "]" : url.host) + ":" +
           std::to_string(url.port);
}

std::string authority(const BaseUrl& url) {
    const bool v6 = url.host.find(':') != std::string::npos;
    const std::string host = v6 ? "[" + url.host + "]" : url.host;
    const bool usual = url.port == (url.secure ? 443 : 80);
    return usual ? host : host + ":" + std::to_string(url.port);
}

}  // namespace shoal::io
