#include "protocol/identity.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "core/bytes.h"

namespace shoal::protocol {

namespace {

template <class T, class Key>
std::vector<std::reference_wrapper<const T>> sorted(const std::vector<T>& items, Key key) {
    std::vector<std::reference_wrapper<const T>> order(items.begin(), items.end());
    std::ranges::sort(order, {}, [&](const T& item) -> const std::string& { return item.*key; });
    return order;
}

void write_input(CanonicalWriter& out, const JobInput& input) {
    out.text(input.as).number(input.blob ? 1 : 0);
    if (input.blob) out.bytes(input.blob->bytes).number(input.executable ? 1 : 0);
    out.number(input.files.size());
    for (const InputFile& file : sorted(input.files, &InputFile::path)) {
        out.text(file.path).bytes(file.blob.bytes).number(file.executable ? 1 : 0);
    }
}

void write_limits(CanonicalWriter& out, const JobSpec& spec) {
    out.number(spec.resources.cores).number(spec.resources.gpu.count);
    out.text(spec.resources.gpu.model);
    out.number(static_cast<std::uint64_t>(spec.limits.time.length.count()));
    out.number(spec.limits.output.bytes).number(spec.limits.log.bytes);
}

}  // namespace

Hash task_identity(const JobSpec& spec, const Parameters& parameters) {
    constexpr std::uint8_t version = 1;
    CanonicalWriter out("shoal.task", version);
    out.text(boost::describe::enum_to_string(spec.kind, ""));
    out.text(boost::describe::enum_to_string(spec.determinism, ""));
    out.number(spec.command.size());
    for (const std::string& word : spec.command) out.text(substitute(word, parameters));
    out.number(spec.environment.size());
    for (const auto& [name, value] : spec.environment) {
        out.text(name).text(substitute(value, parameters));
    }
    out.number(spec.inputs.size());
    for (const JobInput& input : sorted(spec.inputs, &JobInput::as)) write_input(out, input);
    out.number(spec.outputs.size());
    for (const JobOutput& output : sorted(spec.outputs, &JobOutput::path)) {
        out.text(output.path).number(output.optional ? 1 : 0);
    }
    write_limits(out, spec);
    return sha256(out.written());
}

}  // namespace shoal::protocol
