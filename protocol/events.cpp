#include "protocol/events.h"

#include <optional>

#include <boost/mp11/algorithm.hpp>

namespace shoal::protocol {

namespace {

/// A journal of release 0.1 does not have the hash: it is that of the job as it stands there.
void hash_spec(JobSubmitted& event, const json::Value& body) {
    const boost::json::object& fields = body.as_object();
    const json::Value* spec = fields.if_contains("spec");
    if (spec && !fields.contains("spec_hash")) event.spec_hash = sha256(json::print(*spec));
}

}  // namespace

std::string_view event_name(const Event& event) {
    return std::visit([]<class T>(const T&) -> std::string_view { return T::name; }, event);
}

std::string print_event(const Event& event) {
    return std::visit([](const auto& it) { return json::print(it); }, event);
}

Result<Event> read_event(std::string_view name, const json::Value& body) {
    std::optional<Result<Event>> found;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Event>>(
        [&]<class T>(std::type_identity<T>) {
            if (name != T::name) return;
            auto read = json::read<T>(body, json::Reader::tolerant);
            if (!read.ok()) {
                found = Result<Event>(std::move(read).error());
                return;
            }
            T event = std::move(read).value();
            if constexpr (std::is_same_v<T, JobSubmitted>) hash_spec(event, body);
            found = Result<Event>(Event{std::move(event)});
        });
    if (found) return *found;
    return Error{Code::unsupported, std::string(name) + ": unknown event"};
}

}  // namespace shoal::protocol
