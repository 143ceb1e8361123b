#include "protocol/events.h"

#include <optional>

#include <boost/mp11/algorithm.hpp>

namespace shoal::protocol {

std::string_view event_name(const Event& event) {
    return std::visit([]<class T>(const T&) -> std::string_view { return T::name; }, event);
}

json::Value write_event(const Event& event) {
    return std::visit([](const auto& it) { return json::write(it); }, event);
}

Result<Event> read_event(std::string_view name, const json::Value& body) {
    std::optional<Result<Event>> found;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<std::type_identity, Event>>(
        [&]<class T>(std::type_identity<T>) {
            if (name != T::name) return;
            auto event = json::read<T>(body, json::Reader::tolerant);
            found = event.ok() ? Result<Event>(Event{std::move(event).value()})
                               : Result<Event>(std::move(event).error());
        });
    if (found) return *found;
    return Error{Code::unsupported, std::string(name) + ": unknown event"};
}

}  // namespace shoal::protocol
