#pragma once

#include <vector>

#include "engine/backend.h"

namespace shoal::engine {

using Outputs = std::array<Tensor, outputs_max>;

/// Runs ops and writes them down, so that gradients can be found by going back.
///
/// A step is a number of calls, mostly with a backward() among them; next_step() ends it. The calls
/// of a step are compared with those of the step before: one that is the same is not validated
/// again, and since the arena then finds every size in its free lists, a step that repeats the one
/// before takes no memory. Calls may differ from step to step; that costs their validation.
///
/// What happened is a list of records in one order: forward, backward, and what follows it. The
/// order depends on the calls alone.
class Tape {
public:
    /// Both outlive the tape and its tensors.
    Tape(Arena& arena, Backend& backend) : arena_(arena), backend_(backend) {}

    /// The tensor under a name of this step, whose gradient backward() will find.
    Tensor watch(const Tensor&);

    /// Runs an op. not_found: there is none of that name. invalid: parameters or inputs do not fit.
    Result<Tensor> call(std::string_view op, std::initializer_list<Tensor> inputs,
                        Arguments arguments = {});
    Result<Outputs> call_all(std::string_view op, std::span<const Tensor> inputs,
                             std::span<const Argument> arguments);

    /// Finds the gradients of a loss (one element) for what it was made of. Once a step.
    /// unsupported: an op on the way has no gradient. invalid: the loss is no single number of this
    /// tape.
    Status backward(const Tensor& loss);

    /// The gradient of a watched tensor; empty if the loss does not depend on it.
    Tensor gradient(const Tensor& watched) const;

    void next_step();

    Arena& arena() { return arena_; }
    std::size_t record_count() const { return record_count_; }
    /// How many calls of this step were the same as in the step before.
    std::size_t repeated_count() const { return repeated_count_; }

private:
    struct Record {
        const OpRow* row;
        Attributes attributes;
        Forms forms;
        std::size_t first_tensor;  // inputs, then outputs
        std::size_t input_count;
        bool on_the_way;  // from something watched: backward() passes here
    };

    Result<Record> prepare(std::string_view op, std::span<const Tensor> inputs,
                           std::span<const Argument> arguments);
    bool repeats(const OpRow&, const Attributes&, std::span<const Tensor> inputs) const;
    Outputs run(const Record&, std::span<const Tensor> inputs);
    void keep(const Record&, std::span<const Tensor> inputs, std::span<const Tensor> outputs);
    Tensor let_go(std::size_t kept);
    Status go_back(std::size_t record);
    Status add_gradient(const Tensor& value, const Tensor& gradient);
    ValueName new_value(bool wanted);
    std::uint32_t number_of(const Tensor&) const;
    bool wanted(const Tensor& tensor) const { return wanted_[number_of(tensor)] != 0; }

    Arena& arena_;
    Backend& backend_;
    std::vector<Record> records_;  // those of the step before lie after record_count_
    std::vector<Tensor> tensors_;
    std::vector<char> wanted_ =
        std::vector<char>(1);  // by value number: depends on what is watched
    std::vector<Tensor> gradients_ = std::vector<Tensor>(1);  // by value number
    std::uint32_t step_ = 0;
    std::size_t record_count_ = 0;
    std::size_t tensor_count_ = 0;
    std::size_t repeated_count_ = 0;
    bool going_back_ = false;
};

}  // namespace shoal::engine
