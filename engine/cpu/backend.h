#pragma once

#include <vector>

#include "engine/backend.h"
#include "engine/cpu/kernels.h"
#include "engine/pool.h"

namespace shoal::engine::cpu {

/// Runs ops with the kernels of one instruction set on the threads of a pool. What has no kernel
/// runs as the reference has it; the bits are the same.
class CpuBackend : public Backend {
public:
    /// The pool and the kernels outlive the backend.
    CpuBackend(const Kernels&, Pool&);

    std::string_view name() const override { return kernels_.name; }
    void run(const OpRow&, const OpCall&) override;

private:
    struct Product;
    bool run_unary(const OpRow&, const OpCall&);
    bool run_pair(const OpRow&, const OpCall&);
    void run_matmul(const OpCall&);
    void run_linear(const OpCall&);
    void multiply(const Product&, Index batches);
    float* scratch(int slot);

    const Kernels& kernels_;
    Pool& pool_;
    std::vector<float> scratch_;
};

}  // namespace shoal::engine::cpu
