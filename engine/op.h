#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string_view>

#include "core/result.h"
#include "engine/tensor.h"

namespace shoal::engine {

class Tape;
struct OpRow;

constexpr std::size_t inputs_max = 16;  // of one call; more to join is joined in two calls
constexpr std::size_t outputs_max = 3;
constexpr std::size_t params_max = 6;
constexpr Index elements_max = Index{1} << 40;  // of a tensor; more is a mistake, or an attack

enum class ParamKind { integer, real, integers };

/// A parameter of an op: a constant of the model, not a tensor.
struct Param {
    const char* name;
    ParamKind kind;
    double low;
    double high;
    double fallback;  // a real or an integer that is not given; integers must be given
    const char* text;
};

/// What a tensor's elements must be for the op to mean something, or to be smooth.
enum class Domain {
    any,
    positive,
    not_zero,
    below_size,   // whole numbers below the size `bound_axis` of the input `bound_input`
    below_param,  // whole numbers below the parameter `bound_param`
};

enum class Presence { required, optional, repeated };

struct Input {
    const char* name;
    Type type = Type::float32;
    bool constant = false;  // no gradient goes there
    Index rank_min = 0;
    Index rank_max = engine::rank_max;
    Domain domain = Domain::any;
    Presence presence = Presence::required;
    Index bound_input = 0;
    Index bound_axis = 0;
    const char* bound_param = nullptr;
};

/// The value of a parameter: the member that its kind names.
struct Value {
    Index integer = 0;
    float real = 0;
    Dims integers;

    friend bool operator==(const Value&, const Value&) = default;
};

/// A parameter as a caller gives it.
struct Argument {
    std::string_view name;
    Value value;

    template <class Number>
        requires std::is_integral_v<Number>
    Argument(std::string_view param, Number number)
        : name(param), value{static_cast<Index>(number), 0, {}} {}
    Argument(std::string_view param, float real) : name(param), value{0, real, {}} {}
    Argument(std::string_view param, const Dims& dims) : name(param), value{0, 0, dims} {}
};
using Arguments = std::initializer_list<Argument>;

/// The parameters of one call, all of them set and in range.
class Attributes {
public:
    /// invalid: a name that the op does not have, or a value out of its range.
    static Result<Attributes> make(const OpRow&, std::span<const Argument>);

    Index integer(std::string_view name) const { return value(name).integer; }
    float real(std::string_view name) const { return value(name).real; }
    const Dims& integers(std::string_view name) const { return value(name).integers; }
    /// The real parameter number `place` of the row; 0 if it has none.
    float real_at(std::size_t place) const { return values_[place].real; }

    friend bool operator==(const Attributes&, const Attributes&) = default;

private:
    explicit Attributes(const OpRow& row) : row_(&row) {}
    const Value& value(std::string_view name) const;

    const OpRow* row_;
    std::array<Value, params_max> values_{};
};

/// The forms of a call's results.
class Forms {
public:
    Forms() = default;
    Forms(std::initializer_list<Form> forms) {
        for (const Form& form : forms) forms_[count_++] = form;
    }
    std::size_t count() const { return count_; }
    const Form& operator[](std::size_t i) const { return forms_[i]; }
    friend bool operator==(const Forms&, const Forms&) = default;

private:
    std::array<Form, outputs_max> forms_{};
    std::size_t count_ = 0;
};

using InputForms = std::span<const Form>;

/// One call of an op: contiguous inputs to read, results to write. An optional input that was not
/// given is an empty tensor, and its form has no sizes.
struct OpCall {
    const Attributes& attributes;
    std::span<const Tensor> inputs;
    std::span<Tensor> outputs;

    const float* x(std::size_t i) const { return inputs[i].read<float>(); }
    float* y(std::size_t i = 0) const { return outputs[i].write<float>(); }
};

/// What a gradient rule sees, and where it leaves what it finds. A gradient that did not arrive, or
/// that is not wanted, is an empty tensor.
struct GradientCall {
    Tape& tape;
    const Attributes& attributes;
    std::span<const Tensor> inputs;
    std::span<const Tensor> outputs;
    std::span<const Tensor> output_gradients;
    std::span<const bool> wanted;
    std::span<Tensor> input_gradients;
};

/// Everything that is known of an op.
struct OpRow {
    const char* name;
    const char* text;
    std::span<const Input> inputs;
    std::span<const Param> params;
    /// invalid: the inputs do not fit each other or the parameters. The kinds and ranks of the
    /// inputs have been looked at before.
    Result<Forms> (*shape)(const Attributes&, InputForms);
    /// What the op is: plain loops in the order of the contract.
    void (*reference)(const OpCall&);
    /// None: the op has no gradient, or is one.
    Status (*gradient)(GradientCall&) = nullptr;
    /// Floating-point operations of a call; none: one for each element of the results.
    double (*flops)(const Attributes&, InputForms, const Forms&) = nullptr;
    /// A view of the input that needs no loop.
    Tensor (*view)(const Attributes&, const Tensor&) = nullptr;
    /// The name in ONNX, where there is an op with this meaning.
    const char* onnx = nullptr;
    /// Whether the op reads its input by its strides. The others get it packed.
    bool strided = false;
};

/// The forms of the results. invalid: the call does not fit the row; the text names the input.
Result<Forms> check_call(const OpRow&, const Attributes&, InputForms);

/// invalid: an element outside an input's domain (an index that names no row), which would read
/// what is not there.
Status check_indices(const OpRow&, const Attributes&, std::span<const Tensor> inputs);

struct Cost {
    double flops = 0;
    double bytes = 0;  // read and written once
};
Cost cost_of(const OpRow&, const Attributes&, InputForms, const Forms&);

/// Every op, family by family.
std::span<const std::span<const OpRow>> op_families();

/// not_found: no op of that name; the text suggests a near one.
Result<const OpRow*> find_op(std::string_view name);

}  // namespace shoal::engine
