#include "engine/tape.h"

#include <algorithm>

#include <fmt/format.h>

namespace shoal::engine {

namespace {

using InputArray = std::array<Tensor, inputs_max>;
using FormArray = std::array<Form, inputs_max>;

}  // namespace

ValueName Tape::new_value(bool wanted) {
    const auto number = static_cast<std::uint32_t>(wanted_.size());
    wanted_.push_back(wanted ? 1 : 0);
    gradients_.emplace_back();
    return {this, step_, number};
}

/// Zero for a tensor from elsewhere, or from an earlier step: nothing leads back from it.
std::uint32_t Tape::number_of(const Tensor& tensor) const {
    const ValueName& value = tensor.value();
    return value.tape == this && value.step == step_ ? value.number : 0;
}

Tensor Tape::watch(const Tensor& tensor) {
    return tensor.with_value(new_value(true));
}

bool Tape::repeats(const OpRow& row, const Attributes& attributes,
                   std::span<const Tensor> inputs) const {
    if (record_count_ >= records_.size()) return false;
    const Record& before = records_[record_count_];
    if (before.row != &row || before.input_count != inputs.size()) return false;
    if (before.first_tensor != tensor_count_ || !(before.attributes == attributes)) return false;
    return std::equal(inputs.begin(), inputs.end(), &tensors_[tensor_count_],
                      [this](const Tensor& now, const Tensor& then) {
                          return number_of(now) == then.value().number && now.form() == then.form();
                      });
}

Result<Tape::Record> Tape::prepare(std::string_view op, std::span<const Tensor> inputs,
                                   std::span<const Argument> arguments) {
    const bool likely = record_count_ < records_.size() && op == records_[record_count_].row->name;
    const OpRow* row = likely ? records_[record_count_].row : TRY(find_op(op));
    const Attributes attributes = TRY(Attributes::make(*row, arguments));

    bool on_the_way = false;
    for (const Tensor& input : inputs) on_the_way = on_the_way || wanted(input);
    on_the_way = on_the_way && !going_back_;
    Record record{row, attributes, {}, tensor_count_, inputs.size(), on_the_way};
    if (repeats(*row, attributes, inputs)) {
        record.forms = records_[record_count_].forms;
        ++repeated_count_;
        return record;
    }
    if (inputs.size() > inputs_max) return Error{Code::invalid, "too many inputs"};
    FormArray forms;
    std::ranges::transform(inputs, forms.begin(), &Tensor::form);
    record.forms = TRY(check_call(*row, attributes, std::span(forms).first(inputs.size())));
    return record;
}

Outputs Tape::run(const Record& record, std::span<const Tensor> inputs) {
    Outputs outputs;
    const std::span<Tensor> results = std::span(outputs).first(record.forms.count());
    if (record.row->view != nullptr) {
        results[0] = record.row->view(record.attributes, inputs[0]);
    } else {
        for (std::size_t i = 0; i < results.size(); ++i) {
            results[i] = Tensor(arena_, record.forms[i]);
        }
        backend_.run(*record.row, OpCall{record.attributes, inputs, results});
    }
    for (Tensor& result : results) result = result.with_value(new_value(record.on_the_way));
    return outputs;
}

void Tape::keep(const Record& record, std::span<const Tensor> inputs,
                std::span<const Tensor> outputs) {
    if (record_count_ < records_.size()) {
        records_[record_count_] = record;
    } else {
        records_.push_back(record);
    }
    ++record_count_;
    const std::size_t end = tensor_count_ + inputs.size() + outputs.size();
    if (tensors_.size() < end) tensors_.resize(end);
    for (const std::span<const Tensor> some : {inputs, outputs}) {
        for (const Tensor& tensor : some) {
            Tensor& kept = tensors_[tensor_count_++];
            kept = tensor.with_value({this, step_, number_of(tensor)});
            if (!record.on_the_way) kept.forget_elements();
        }
    }
}

Result<Outputs> Tape::call_all(std::string_view op, std::span<const Tensor> inputs,
                               std::span<const Argument> arguments) {
    const auto strided = [](const Tensor& tensor) { return tensor && !tensor.contiguous(); };
    if (op != "pack" && inputs.size() <= inputs_max && std::ranges::any_of(inputs, strided) &&
        !TRY(find_op(op))->strided) {
        InputArray packed;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            packed[i] = inputs[i];
            if (!strided(inputs[i])) continue;
            auto copy = call("pack", {inputs[i]});
            if (!copy.ok()) return copy.error();
            packed[i] = copy.value();
        }
        return call_all(op, std::span(packed).first(inputs.size()), arguments);
    }
    const Record record = TRY(prepare(op, inputs, arguments));
    const Status bounded = check_indices(*record.row, record.attributes, inputs);
    if (!bounded.ok()) return bounded.error();
    Outputs outputs = run(record, inputs);
    keep(record, inputs, std::span(outputs).first(record.forms.count()));
    return outputs;
}

Result<Tensor> Tape::call(std::string_view op, std::initializer_list<Tensor> inputs,
                          Arguments arguments) {
    const std::span<const Tensor> all(inputs.begin(), inputs.size());
    Outputs outputs = TRY(call_all(op, all, std::span(arguments.begin(), arguments.size())));
    return std::move(outputs[0]);
}

Status Tape::add_gradient(const Tensor& value, const Tensor& gradient) {
    check(gradient.sizes() == value.sizes());
    const std::uint32_t number = number_of(value);
    Tensor& sum = gradients_[number];
    if (!sum) {
        sum = gradient;
        return Done{};
    }
    const Tensor before = sum;
    // The call may move the list of gradients.
    Tensor after = TRY(call("add", {before, gradient}));
    gradients_[number] = std::move(after);
    return Done{};
}

Tensor Tape::let_go(std::size_t at) {
    Tensor tensor = tensors_[at];
    tensors_[at].forget_elements();
    return tensor;
}

Status Tape::go_back(std::size_t at) {
    const Record record = records_[at];
    const std::size_t n = record.input_count;
    const std::size_t output_count = record.forms.count();
    InputArray inputs;
    Outputs outputs;
    for (std::size_t i = 0; i < n; ++i) inputs[i] = let_go(record.first_tensor + i);
    for (std::size_t i = 0; i < output_count; ++i) {
        outputs[i] = let_go(record.first_tensor + n + i);
    }
    Outputs output_gradients;
    bool arrived = false;
    for (std::size_t i = 0; i < output_count; ++i) {
        output_gradients[i] = std::exchange(gradients_[number_of(outputs[i])], Tensor());
        arrived = arrived || output_gradients[i];
    }
    if (!arrived) return Done{};
    if (record.row->gradient == nullptr) {
        return Error{Code::unsupported, fmt::format("{} has no gradient", record.row->name)};
    }

    std::array<bool, inputs_max> wishes{};
    for (std::size_t i = 0; i < n; ++i) wishes[i] = wanted(inputs[i]);
    InputArray input_gradients;
    GradientCall call{*this,
                      record.attributes,
                      std::span(inputs).first(n),
                      std::span(outputs).first(output_count),
                      std::span(output_gradients).first(output_count),
                      std::span(wishes).first(n),
                      std::span(input_gradients).first(n)};
    const Status found = record.row->gradient(call);
    if (!found.ok()) return found;
    for (std::size_t i = 0; i < n; ++i) {
        if (!wishes[i]) continue;
        if (!input_gradients[i]) {
            return Error{Code::unsupported,
                         fmt::format("{} has no gradient for its input {}", record.row->name, i)};
        }
        const Status added = add_gradient(inputs[i], input_gradients[i]);
        if (!added.ok()) return added;
    }
    return Done{};
}

Status Tape::backward(const Tensor& loss) {
    if (!loss || loss.count() != 1 || loss.type() != Type::float32 || going_back_ ||
        !wanted(loss)) {
        return Error{Code::invalid, "the loss is no single number that depends on what is watched"};
    }
    going_back_ = true;
    Tensor one(arena_, loss.form());
    *one.write<float>() = 1;
    gradients_[number_of(loss)] = one;
    for (std::size_t at = record_count_; at > 0; --at) {
        if (!records_[at - 1].on_the_way) continue;
        const Status done = go_back(at - 1);
        if (!done.ok()) return done;
    }
    return Done{};
}

Tensor Tape::gradient(const Tensor& watched) const {
    return gradients_[number_of(watched)];
}

void Tape::next_step() {
    for (Tensor& tensor : tensors_) tensor.forget_elements();
    records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(record_count_), records_.end());
    wanted_.assign(1, 0);
    gradients_.resize(1);
    record_count_ = 0;
    tensor_count_ = 0;
    repeated_count_ = 0;
    going_back_ = false;
    ++step_;
}

}  // namespace shoal::engine
