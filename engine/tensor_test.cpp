#include "engine/tensor.h"

#include <array>

#include <doctest/doctest.h>

namespace shoal::engine {
namespace {

TEST_CASE("copies and views share the elements; sizes and strides tell where they are") {
    Arena arena;
    const Tensor x = Tensor::of<float>(arena, {2, 3}, std::array{0.F, 1.F, 2.F, 3.F, 4.F, 5.F});
    CHECK(to_string(x.form()) == "float32[2, 3]");
    CHECK(x.contiguous());

    const Tensor turned = x.transposed(0, 1);
    CHECK(turned.sizes() == Dims{3, 2});
    CHECK(turned.strides() == Dims{1, 3});
    CHECK(!turned.contiguous());
    CHECK(turned.read<float>() == x.read<float>());

    const Tensor column = x.sliced(1, 2, 1);
    CHECK(column.sizes() == Dims{2, 1});
    CHECK(column.read<float>()[0] == 2.F);
    CHECK(column.read<float>()[column.strides()[0]] == 5.F);

    const Tensor flat = x.reshaped({6});
    CHECK(flat.values<float>()[4] == 4.F);
}

TEST_CASE("an axis of one place does not make a tensor strided") {
    Arena arena;
    const Tensor x(arena, {Type::float32, {4, 1, 3}});
    CHECK(x.transposed(0, 1).contiguous());
    CHECK(!x.transposed(0, 2).contiguous());
}

TEST_CASE("a tensor without dimensions is one number") {
    Arena arena;
    const Tensor x = Tensor::of<float>(arena, {}, std::array{7.F});
    CHECK(x.count() == 1);
    CHECK(x.rank() == 0);
    CHECK(to_string(x.form()) == "float32[]");
}

TEST_CASE("every type has a name and a size") {
    CHECK(bytes_of(Type::bfloat16) == 2);
    CHECK(bytes_of(type_of<std::int64_t>()) == 8);
    CHECK(to_string(type_of<bool>()) == "boolean");
}

}  // namespace
}  // namespace shoal::engine
