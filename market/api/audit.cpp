#include "market/api/audit.h"

#include <string>

#include <fmt/format.h>

#include "core/json.h"
#include "core/limits.h"
#include "core/text.h"
#include "market/api/handlers.h"

namespace shoal::market {

namespace {

/// The id of what a request made: it is the first thing that a view says.
std::string made_by(const ApiAnswer& answer) {
    constexpr int created = 201;
    if (answer.status != created) return "";
    const auto value = json::parse(answer.body, answer.body.size());
    if (!value.ok() || !value.value().is_object()) return "";
    const boost::json::object& members = value.value().get_object();
    if (members.empty() || !members.begin()->value().is_string()) return "";
    return std::string(members.begin()->value().get_string());
}

std::string subject_of(const Call& call, const ApiAnswer& answer) {
    std::string subject;
    const auto add = [&](const std::string& id) {
        if (id.empty()) return;
        if (!subject.empty()) subject += ' ';
        subject += id;
    };
    for (const auto& [name, id] : call.path) add(id);
    add(made_by(answer));
    return shorten(subject, limits::audit_detail_bytes);
}

std::string detail_of(const Call& call) {
    if (!call.route.is_told) return "";
    std::string detail;
    for (const auto& [name, value] : call.request.query) {
        detail += fmt::format("{}{}={}", detail.empty() ? "" : "&", name, value);
    }
    const auto body = json::parse(call.request.body, limits::body_bytes);
    if (body.ok()) detail += json::print(body.value());
    return shorten(detail, limits::audit_detail_bytes);
}

/// Whether the words of the entry's subject have this one.
bool is_about(const protocol::OperatorActed& entry, const std::string& wanted) {
    return (" " + entry.subject + " ").find(" " + wanted + " ") != std::string::npos;
}

}  // namespace

void note_action(const Call& call, const ApiAnswer& answer) {
    if (!is_operator(call)) return;
    protocol::OperatorActed action;
    action.key = call.principal.key;
    action.route = fmt::format("{} {}", call.route.method, call.route.pattern);
    action.subject = subject_of(call, answer);
    action.detail = detail_of(call);
    action.at = call.moment.now;
    call.market.note_action(std::move(action), call.batch);
}

namespace handlers {

/// Newest first: the cursor is the first entry of the next page.
Result<protocol::AuditPage> audit(const Call& call) {
    const PageRequest wanted = TRY(page_request(call));
    const std::string* subject = parameter(call, "subject");
    const auto& entries = call.market.state().audit;
    auto it = wanted.from ? entries.upper_bound(ActionId{*wanted.from}) : entries.end();
    protocol::AuditPage page;
    while (it != entries.begin()) {
        --it;
        if (subject && !is_about(it->second, *subject)) continue;
        if (page.items.size() == wanted.limit) {
            page.next = cursor(call, it->first.value);
            break;
        }
        page.items.push_back(it->second);
    }
    return page;
}

}  // namespace handlers

}  // namespace shoal::market
