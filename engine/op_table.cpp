#include <vector>

#include <fmt/format.h>

#include "core/json.h"
#include "engine/op.h"
#include "engine/ops/families.h"

namespace shoal::engine {

std::span<const std::span<const OpRow>> op_families() {
    static const std::span<const OpRow> families[] = {
        ops::elementwise(),    ops::shapes(), ops::reductions(), ops::products(),
        ops::normalisations(), ops::losses(), ops::updates(),
    };
    return families;
}

Result<const OpRow*> find_op(std::string_view name) {
    std::vector<std::string_view> known;
    for (const std::span<const OpRow> family : op_families()) {
        for (const OpRow& row : family) {
            if (name == row.name) return &row;
        }
    }
    for (const std::span<const OpRow> family : op_families()) {
        for (const OpRow& row : family) known.emplace_back(row.name);
    }
    const std::string_view near = json::nearest(name, known);
    const std::string hint = near.empty() ? "" : fmt::format("; did you mean {}?", near);
    return Error{Code::not_found, fmt::format("there is no op {}{}", name, hint)};
}

}  // namespace shoal::engine
