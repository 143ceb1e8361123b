#include "io/http.h"

#include <array>
#include <utility>

#include "core/json.h"

namespace shoal::io {

namespace {

struct Phrase {
    int status;
    std::string_view text;
};

constexpr std::array phrases{
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{204, "No Content"},
    Phrase{206, "Partial Content"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Found"},
    Phrase{303, "See Other"},
    Phrase{304, "Not Modified"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{408, "Request Timeout"},
    Phrase{409, "Conflict"},
    Phrase{410, "Gone"},
    Phrase{411, "Length Required"},
    Phrase{413, "Content Too Large"},
    Phrase{415, "Unsupported Media Type"},
    Phrase{416, "Range Not Satisfiable"},
    Phrase{422, "Unprocessable Content"},
    Phrase{426, "Upgrade Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{507, "Insufficient Storage"},
};

}  // namespace

int status_of(Code code) {
    switch (code) {
        case Code::invalid:
            return 400;
        case Code::denied:
            return 403;
        case Code::not_found:
            return 404;
        case Code::conflict:
            return 409;
        case Code::exhausted:
            return 429;
        case Code::stale:
            return 410;
        case Code::unavailable:
            return 503;
        case Code::timeout:
            return 504;
        case Code::corrupt:
            return 422;
        case Code::unsupported:
            return 501;
    }
    check(false);
    return 500;
}

Response json_response(int status, std::string body) {
    Response response;
    response.status = status;
    response.headers.push_back(Field{"Content-Type", "application/json"});
    response.body = std::move(body);
    return response;
}

Response refusal(int status, const Problem& problem, std::string_view request_id) {
    boost::json::object body;
    body["code"] = problem.code;
    body["message"] = problem.message;
    body["hint"] = problem.hint;
    body["path"] = problem.path;
    body["request_id"] = request_id;
    return json_response(status, json::print(json::Value(std::move(body))));
}

Response refusal(const Error& error, std::string_view request_id) {
    const Problem problem{std::string(to_string(error.code)), error.what, {}, {}};
    return refusal(status_of(error.code), problem, request_id);
}

std::string_view reason_phrase(int status) {
    for (const Phrase& phrase : phrases) {
        if (phrase.status == status) return phrase.text;
    }
    return "Status";
}

}  // namespace shoal::io
