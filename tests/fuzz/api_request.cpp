// Any bytes: a request to a small market. The first line is the role, the method, the path and the
// query ("buyer POST /v1/jobs limit=5&cursor=x"), the next ones are headers until an empty line,
// the rest is the body. Each answer must be whole, and what it did must leave the market whole.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/text.h"
#include "market/api/api.h"
#include "protocol/api.h"

namespace shoal {
namespace {

using market::ApiAnswer;
using market::ApiRequest;
using protocol::Role;

/// Takes the text before the separator off its front.
std::string_view take(std::string_view& text, char separator) {
    const auto end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

ApiRequest read_request(std::string_view text, const std::map<std::string, std::string>& keys) {
    ApiRequest request;
    request.request_id = "req";
    std::string_view line = take(text, '\n');
    const auto key = keys.find(std::string(take(line, ' ')));
    if (key != keys.end()) request.headers["authorization"] = "Bearer " + key->second;
    request.method = take(line, ' ');
    request.path = take(line, ' ');
    if (!request.path.starts_with('/')) request.path.insert(0, "/");
    while (!line.empty()) {
        std::string_view parameter = take(line, '&');
        const std::string name(take(parameter, '='));
        request.query.emplace(name, parameter);
    }
    for (std::string_view header = take(text, '\n'); !header.empty(); header = take(text, '\n')) {
        const std::string name(take(header, ':'));
        request.headers.emplace(name, header);
    }
    request.body = text;
    return request;
}

/// Accounts with keys of every role, a provider, a job that runs and one that waits.
class Scene {
public:
    Scene() : market_({}, SecretKey(std::array<std::uint8_t, 32>{1})) {
        const AccountId buyer = account("buyer", Role::buyer);
        check(market_.issue_credit(buyer, Lamports{1'000'000'000}, "start", moment_, batch_).ok());
        account("operator", Role::operator_);
        const AccountId seller = account("provider", Role::provider);
        protocol::Offer offer;
        offer.name = "machine";
        offer.capacity = {2, 8_GiB, 8_GiB};
        offer.price.core_hour = Lamports{3'600};
        const SecretKey key(std::array<std::uint8_t, 32>{9});
        check(market_.join(seller, key.public_key(), offer, moment_, batch_).ok());
        protocol::JobSpec spec;
        spec.name = "job";
        spec.command = {"./work"};
        spec.price.max_total = Lamports{1'000'000};
        check(market_.submit(buyer, spec, moment_, batch_).ok());
        spec.resources.cores = 64;
        check(market_.submit(buyer, spec, moment_, batch_).ok());
        api_.set_missing("");
    }

    /// Another one that has come as far, for far less than making it costs.
    Scene(const Scene& other)
        : market_(other.market_), live_(other.live_), moment_(other.moment_), keys_(other.keys_) {
        api_.set_missing("");
    }
    Scene& operator=(const Scene&) = delete;

    const std::map<std::string, std::string>& keys() const { return keys_; }

    /// A refusal has changed nothing, and is a Problem.
    void ask(const ApiRequest& request) {
        const std::size_t events = batch_.events.size();
        const ApiAnswer answer = api_.handle(request, moment_, batch_);
        check(answer.status >= 200 && answer.status < 600);
        check(answer.headers.contains("content-type"));
        const bool is_refusal = answer.status >= 400;
        if (answer.headers.at("content-type") == "application/json") check_json(answer, is_refusal);
        if (is_refusal) check(batch_.events.size() == events);
        if (api_.kind(request.method, request.path) == market::RouteKind::upload) {
            static_cast<void>(api_.may_upload(request, request.body.size(), moment_.now));
        }
        market_.check_invariants();
    }

private:
    static void check_json(const ApiAnswer& answer, bool is_refusal) {
        check(is_utf8(answer.body));
        const auto value = json::parse(answer.body, answer.body.size());
        check(value.ok());
        if (!is_refusal) return;
        const auto problem = json::read<protocol::Problem>(value.value(), json::Reader::strict);
        check(problem.ok() && !problem.value().code.empty() && !problem.value().message.empty());
    }

    AccountId account(const std::string& name, Role role) {
        const AccountId id = market_.create_account(moment_, batch_);
        keys_[name] = market_.create_key(id, role, moment_, batch_).value().secret;
        return id;
    }

    market::Market market_;
    market::Live live_;
    market::Api api_{market_, live_};
    market::Moment moment_{Time{Duration{1'000'000}}, {}};
    market::Batch batch_;
    std::map<std::string, std::string> keys_;
};

/// Twice, so that an Idempotency-Key meets itself.
void run(std::string_view text) {
    static const Scene prepared;
    Scene scene(prepared);
    const ApiRequest request = read_request(text, scene.keys());
    scene.ask(request);
    scene.ask(request);
}

}  // namespace
}  // namespace shoal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
