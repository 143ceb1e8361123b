#include "engine/tensor.h"

#include <string>

#include <fmt/format.h>

namespace shoal::engine {

namespace {

Dims packed_strides(const Dims& sizes) {
    Dims strides = sizes;
    Index step = 1;
    for (Index axis = sizes.rank() - 1; axis >= 0; --axis) {
        strides[axis] = step;
        step *= sizes[axis];
    }
    return strides;
}

}  // namespace

std::string to_string(const Dims& dims) {
    std::string text = "[";
    for (Index i = 0; i < dims.rank(); ++i) text += fmt::format("{}{}", i > 0 ? ", " : "", dims[i]);
    return text + "]";
}

std::string_view to_string(Type type) {
    switch (type) {
        case Type::float32:
            return "float32";
        case Type::float16:
            return "float16";
        case Type::bfloat16:
            return "bfloat16";
        case Type::int8:
            return "int8";
        case Type::int32:
            return "int32";
        case Type::int64:
            return "int64";
        case Type::boolean:
            return "boolean";
    }
    check(false);
    return {};
}

Index bytes_of(Type type) {
    switch (type) {
        case Type::float32:
        case Type::int32:
            return 4;
        case Type::float16:
        case Type::bfloat16:
            return 2;
        case Type::int8:
        case Type::boolean:
            return 1;
        case Type::int64:
            return 8;
    }
    check(false);
    return 0;
}

std::string to_string(const Form& form) {
    return std::string(to_string(form.type)) + to_string(form.sizes);
}

Tensor::Tensor(Arena& arena, const Form& form)
    : buffer_(arena.take(static_cast<std::size_t>(form.sizes.count() * bytes_of(form.type)))),
      form_(form),
      strides_(packed_strides(form.sizes)) {}

bool Tensor::contiguous() const {
    const Dims packed = packed_strides(sizes());
    for (Index axis = 0; axis < rank(); ++axis) {
        if (size(axis) != 1 && strides_[axis] != packed[axis]) return false;
    }
    return true;
}

Tensor Tensor::reshaped(const Dims& sizes) const {
    check(contiguous() && sizes.count() == count());
    Tensor view = *this;
    view.form_.sizes = sizes;
    view.strides_ = packed_strides(sizes);
    return view;
}

Tensor Tensor::transposed(Index axis, Index other) const {
    Tensor view = *this;
    std::swap(view.form_.sizes[axis], view.form_.sizes[other]);
    std::swap(view.strides_[axis], view.strides_[other]);
    return view;
}

Tensor Tensor::sliced(Index axis, Index first, Index count) const {
    check(0 <= first && 0 <= count && first + count <= size(axis));
    Tensor view = *this;
    view.form_.sizes[axis] = count;
    view.offset_ += first * strides_[axis];
    return view;
}

Tensor Tensor::with_value(const ValueName& value) const {
    Tensor same = *this;
    same.value_ = value;
    return same;
}

}  // namespace shoal::engine
