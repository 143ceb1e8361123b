#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "engine/arena.h"
#include "engine/dims.h"

namespace shoal::engine {

enum class Type { float32, float16, bfloat16, int8, int32, int64, boolean };

std::string_view to_string(Type);
Index bytes_of(Type);

/// float16 and bfloat16 are storage: arithmetic happens in float32.
struct Float16 {
    std::uint16_t bits = 0;
};
struct Bfloat16 {
    std::uint16_t bits = 0;
};

template <class T>
constexpr Type type_of() {
    if constexpr (std::is_same_v<T, float>) return Type::float32;
    if constexpr (std::is_same_v<T, Float16>) return Type::float16;
    if constexpr (std::is_same_v<T, Bfloat16>) return Type::bfloat16;
    if constexpr (std::is_same_v<T, std::int8_t>) return Type::int8;
    if constexpr (std::is_same_v<T, std::int32_t>) return Type::int32;
    if constexpr (std::is_same_v<T, std::int64_t>) return Type::int64;
    if constexpr (std::is_same_v<T, bool>) return Type::boolean;
}

/// What is known of a tensor without its elements.
struct Form {
    Type type = Type::float32;
    Dims sizes;

    friend bool operator==(const Form&, const Form&) = default;
};

/// "float32[2, 3]".
std::string to_string(const Form&);

class Tape;

/// Names a tensor in one step of one tape; by default it is one that no tape has seen.
struct ValueName {
    const Tape* tape = nullptr;
    std::uint32_t step = 0;
    std::uint32_t number = 0;
};

/// Numbers in up to six dimensions: a handle, cheap to copy, whose copies share the elements.
///
/// A view (transposed, sliced, reshaped) shares them too. Ops make new tensors and never write
/// those that they read; the holder of a fresh tensor may write it before an op has seen it.
class Tensor {
public:
    Tensor() = default;
    /// The elements are not set.
    Tensor(Arena&, const Form&);

    template <class T>
    static Tensor of(Arena& arena, const Dims& sizes, std::span<const T> values) {
        Tensor made(arena, {type_of<T>(), sizes});
        check(static_cast<Index>(values.size()) == made.count());
        for (Index i = 0; i < made.count(); ++i) made.write<T>()[i] = values.data()[i];
        return made;
    }

    explicit operator bool() const { return static_cast<bool>(buffer_); }
    const Form& form() const { return form_; }
    Type type() const { return form_.type; }
    const Dims& sizes() const { return form_.sizes; }
    const Dims& strides() const { return strides_; }  // in elements
    Index size(Index axis) const { return form_.sizes[axis]; }
    Index rank() const { return form_.sizes.rank(); }
    Index count() const { return form_.sizes.count(); }
    bool contiguous() const;

    /// The first element; the others follow by the strides. The type must be T's.
    template <class T>
    const T* read() const {
        check(type() == type_of<T>());
        return reinterpret_cast<const T*>(bytes());
    }
    template <class T>
    T* write() {
        check(type() == type_of<T>());
        return reinterpret_cast<T*>(bytes());
    }
    /// The elements of a contiguous tensor.
    template <class T>
    std::span<const T> values() const {
        check(contiguous());
        return {read<T>(), static_cast<std::size_t>(count())};
    }
    std::byte* bytes() const { return buffer_.bytes() + offset_ * bytes_of(type()); }

    /// Views. The arguments fit: shape rules have seen to it.
    Tensor reshaped(const Dims& sizes) const;
    Tensor transposed(Index axis, Index other) const;
    Tensor sliced(Index axis, Index first, Index count) const;

    const ValueName& value() const { return value_; }
    Tensor with_value(const ValueName&) const;
    /// Form and value are remembered, the elements let go.
    void forget_elements() { buffer_ = Buffer(); }

private:
    Buffer buffer_;
    Index offset_ = 0;  // in elements
    Form form_;
    Dims strides_;
    ValueName value_;
};

}  // namespace shoal::engine
