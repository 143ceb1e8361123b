// Any bytes as a workflow file. What is completed and valid has an order in which each step stands
// after all that it needs; what is refused is said in UTF-8, at no great length.

#include "protocol/workflow.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "core/text.h"
#include "io/yaml.h"

namespace shoal::protocol {
namespace {

void check_said(const Error& error) {
    check(is_utf8(error.what));
    check(error.what.size() < (std::size_t{64} << 10U));
}

void check_order(const WorkflowSpec& workflow) {
    const std::vector<std::string> order = order_of(workflow);
    check(order.size() == workflow.steps.size());
    for (auto step = order.begin(); step != order.end(); ++step) {
        for (const auto& [need, policy] : workflow.steps.at(*step).needs) {
            check(std::find(order.begin(), step, need) != step);
        }
    }
}

void run(std::string_view text) {
    auto document = io::yaml::parse(text);
    if (!document.ok()) return;
    auto whole = complete(std::move(document).value().value);
    if (!whole.ok()) return check_said(whole.error());
    const auto workflow = json::read<WorkflowSpec>(whole.value(), json::Reader::strict);
    if (!workflow.ok()) return check_said(workflow.error());
    const Status valid = validate(workflow.value(), SpecSource::file);
    if (!valid.ok()) return check_said(valid.error());
    check_order(workflow.value());
}

}  // namespace
}  // namespace shoal::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::protocol::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
