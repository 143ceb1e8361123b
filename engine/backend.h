#pragma once

#include <string_view>

#include "engine/op.h"

namespace shoal::engine {

/// Where ops run. The results are the same bits on every backend.
class Backend {
public:
    virtual ~Backend() = default;
    virtual std::string_view name() const = 0;

    /// The call fits the row, its inputs are contiguous unless the row says otherwise, and nobody
    /// else looks at the results yet.
    virtual void run(const OpRow&, const OpCall&) = 0;
};

/// Runs every op as the reference has it: slow, and right by definition.
class ReferenceBackend : public Backend {
public:
    std::string_view name() const override { return "reference"; }
    void run(const OpRow& row, const OpCall& call) override { row.reference(call); }
};

}  // namespace shoal::engine
