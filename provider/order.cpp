#include "provider/order.h"

#include "core/limits.h"
#include "protocol/job.h"

namespace shoal::provider {

namespace {

Status check_words(const protocol::session::Order& order) {
    const Error wrong{Code::invalid, "command: expected words without NUL, not too long"};
    if (order.command.empty() || order.command.front().empty()) return wrong;
    if (order.command.size() > limits::command_words) return wrong;
    for (const std::string& word : order.command) {
        const bool good = word.size() <= limits::text_bytes && word.find('\0') == std::string::npos;
        if (!good) return wrong;
    }
    return Done{};
}

/// The market adds some of its own, so their names are freer than a buyer's.
Status check_variables(const protocol::session::Order& order) {
    constexpr std::size_t of_the_market = 64;
    const Error wrong{Code::invalid, "environment: expected NAME=VALUE without NUL, not too long"};
    if (order.environment.size() > limits::environment_variables + of_the_market) return wrong;
    for (const auto& [name, value] : order.environment) {
        const bool named = !name.empty() && name.size() <= limits::name_characters &&
                           name.find_first_of(std::string_view("=\0", 2)) == std::string::npos;
        const bool good =
            value.size() <= limits::text_bytes && value.find('\0') == std::string::npos;
        if (!named || !good) return wrong;
    }
    return Done{};
}

}  // namespace

Status check_secrets(const protocol::session::Order& order) {
    const Error wrong{Code::invalid, "secrets: expected names and values of a secret's length"};
    if (order.secrets.size() > limits::secrets_per_job) return wrong;
    for (const auto& [name, value] : order.secrets) {
        const bool good = value.size() >= limits::secret_bytes_min &&
                          value.size() <= limits::secret_bytes_max &&
                          value.find('\0') == std::string::npos;
        if (!good || !protocol::is_secret_name(name) || order.environment.contains(name)) {
            return wrong;
        }
    }
    return Done{};
}

Status check_order(const protocol::session::Order& order) {
    if (order.lease == LeaseId{}) return Error{Code::invalid, "lease: expected an id"};
    TRY(check_words(order));
    TRY(check_variables(order));
    TRY(check_secrets(order));
    protocol::JobSpec job;
    job.name = "order";
    job.command = {"checked-above"};  // with its values put in, it may hold what looks like a name
    job.inputs = order.inputs;
    job.outputs = order.outputs;
    job.resources = order.resources;
    job.limits = order.limits;
    return protocol::validate(job, protocol::SpecSource::api);
}

}  // namespace shoal::provider
