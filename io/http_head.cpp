#include "io/http_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <ctime>

namespace shoal::io {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void append_number(std::string& output, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    output.append(digits.data(), end);
}

void append_text(std::string& output, std::string_view text) {
    const std::size_t start = output.size();
    output += text;
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    };
    std::replace_if(output.begin() + static_cast<std::ptrdiff_t>(start), output.end(), is_control,
                    ' ');
}

/// RFC 9110's form of now, made once a second.
std::string_view date() {
    thread_local std::time_t second = 0;
    thread_local std::array<char, 32> text{};
    const std::time_t now = std::time(nullptr);
    if (now != second) {
        std::tm parts{};
        gmtime_r(&now, &parts);
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        second = now;
    }
    return text.data();
}

bool is_here(std::string_view host, std::uint16_t port) {
    const std::string wanted = ":" + std::to_string(port);
    if (host.ends_with(wanted)) {
        host.remove_suffix(wanted.size());
    } else if (port != 80) {
        return false;
    }
    return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace

std::string to_lower(std::string_view text) {
    std::string lowered(text);
    std::ranges::transform(lowered, lowered.begin(), lower);
    return lowered;
}

bool lists(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string_view part = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        if (std::ranges::equal(part, token, {}, lower, lower)) return true;
    }
    return false;
}

void append_head(std::string& output, const AnswerHead& head, const Fields& fields) {
    output += "HTTP/1.1 ";
    append_number(output, static_cast<std::uint64_t>(head.status));
    output += ' ';
    output += reason_phrase(head.status);
    output += "\r\nDate: ";
    output += date();
    if (head.content_length) {
        output += "\r\nContent-Length: ";
        append_number(output, *head.content_length);
    }
    if (!head.keeps_open) output += "\r\nConnection: close";
    for (const Field& field : fields) {
        output += "\r\n";
        append_text(output, field.name);
        output += ": ";
        append_text(output, field.value);
    }
    output += "\r\n\r\n";
}

FileAnswer plan_file(std::string_view etag, std::uint64_t size, const FileConditions& conditions) {
    FileAnswer answer;
    const std::string quoted = etag.empty() ? std::string() : "\"" + std::string(etag) + "\"";
    answer.headers.push_back(Field{"Accept-Ranges", "bytes"});
    if (!quoted.empty()) {
        answer.headers.push_back(Field{"ETag", quoted});
        if (lists(conditions.if_none_match, quoted) || conditions.if_none_match == "*") {
            answer.status = 304;
            return answer;
        }
    }
    const bool changed = !conditions.if_range.empty() && conditions.if_range != quoted;
    const ByteRange range = parse_range(changed ? std::string_view{} : conditions.range, size);
    answer.first = range.first;
    answer.count = range.count;
    if (range.kind == ByteRange::Kind::unsatisfiable) {
        answer.status = 416;
        answer.headers.push_back(Field{"Content-Range", "bytes */" + std::to_string(size)});
    }
    if (range.kind == ByteRange::Kind::part) {
        answer.status = 206;
        const ContentRange part{range.first, range.first + range.count - 1, size};
        answer.headers.push_back(Field{"Content-Range", to_string(part)});
    }
    return answer;
}

Status admit(const Arrival& arrival) {
    if (!arrival.secure && !is_here(to_lower(arrival.host), arrival.port)) {
        return Error{Code::denied, "the Host is not this machine's own: expected localhost:" +
                                       std::to_string(arrival.port)};
    }
    if (arrival.origin.empty()) return Done{};
    const std::string here = (arrival.secure ? "https://" : "http://") + to_lower(arrival.host);
    if (to_lower(arrival.origin) != here) {
        return Error{Code::denied, "the request comes from another site"};
    }
    return Done{};
}

}  // namespace shoal::io
