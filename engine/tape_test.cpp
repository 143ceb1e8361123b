#include "engine/tape.h"

#include <array>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal::engine {
namespace {

struct Fixture {
    Arena arena;
    ReferenceBackend reference;
    Tape tape{arena, reference};

    Tensor row(std::vector<float> numbers) {
        const auto count = static_cast<Index>(numbers.size());
        return Tensor::of<float>(arena, {count}, std::span<const float>(numbers));
    }
};

std::vector<float> numbers_of(const Tensor& tensor) {
    const auto values = tensor.values<float>();
    return {values.begin(), values.end()};
}

TEST_CASE("the gradient of a product of three") {
    Fixture f;
    const Tensor x = f.tape.watch(f.row({2}));
    const Tensor y = f.tape.watch(f.row({3}));
    const Tensor product = f.tape.call("multiply", {x, y}).value();
    const Tensor z = f.tape.call("multiply", {product, x}).value();  // x²y
    REQUIRE(f.tape.backward(z).ok());
    CHECK(numbers_of(f.tape.gradient(x)) == std::vector<float>{12});
    CHECK(numbers_of(f.tape.gradient(y)) == std::vector<float>{4});
}

TEST_CASE("what the loss does not depend on has no gradient") {
    Fixture f;
    const Tensor x = f.tape.watch(f.row({2}));
    const Tensor y = f.tape.watch(f.row({3}));
    const Tensor z = f.tape.call("multiply", {x, x}).value();
    REQUIRE(f.tape.backward(z).ok());
    CHECK(!f.tape.gradient(y));
    CHECK(!f.tape.gradient(f.row({1})));
}

TEST_CASE("backward refuses a loss that is not one number, or of no watched tensor") {
    Fixture f;
    const Tensor x = f.tape.watch(f.row({2, 3}));
    CHECK(f.tape.backward(x).error().code == Code::invalid);
    const Tensor plain = f.tape.call("relu", {f.row({1})}).value();
    CHECK(f.tape.backward(plain).error().code == Code::invalid);
}

TEST_CASE("an op without a gradient is named, not passed over") {
    Fixture f;
    const Tensor x = f.tape.watch(f.row({2}));
    const Tensor y = f.tape.call("less", {x, x}).value();
    const Status went = f.tape.backward(y);
    REQUIRE(!went.ok());
    CHECK(went.error().code == Code::unsupported);
    CHECK(went.error().what == "less has no gradient");
}

TEST_CASE("an op that reads packed tensors gets a view packed, and the gradient finds its way") {
    Fixture f;
    const std::array numbers{1.F, 2.F, 3.F, 4.F, 5.F, 6.F};
    const Tensor x = f.tape.watch(Tensor::of<float>(f.arena, {2, 3}, numbers));
    const Tensor turned = f.tape.call("transpose", {x}, {{"axis", 0}, {"other", 1}}).value();
    const Tensor cut = f.tape.call("slice", {turned}, {{"first", 1}, {"count", 2}}).value();
    const Tensor scaled = f.tape.call("scale", {cut}, {{"by", 2.F}}).value();
    CHECK(numbers_of(scaled) == std::vector<float>{4, 10, 6, 12});
    const Tensor flat = f.tape.call("reshape", {scaled}, {{"sizes", Dims{4}}}).value();
    const Tensor sum = f.tape.call("sum", {flat}).value();
    REQUIRE(f.tape.backward(sum).ok());
    const Tensor gradient = f.tape.call("pack", {f.tape.gradient(x)}).value();
    CHECK(numbers_of(gradient) == std::vector<float>{0, 2, 2, 0, 2, 2});
}

/// A step of a small network; gives the loss.
float train(Fixture& f, Tensor& weight, Tensor& bias, const Tensor& x, const Tensor& target) {
    const Tensor w = f.tape.watch(weight);
    const Tensor b = f.tape.watch(bias);
    const Tensor y = f.tape.call("linear", {x, w, b}, {{"activation", 2}}).value();
    const Tensor error = f.tape.call("subtract", {y, target}).value();
    const Tensor square = f.tape.call("multiply", {error, error}).value();
    const Tensor flat = f.tape.call("reshape", {square}, {{"sizes", Dims{square.count()}}}).value();
    const Tensor loss = f.tape.call("mean", {flat}).value();
    REQUIRE(f.tape.backward(loss).ok());
    for (auto [parameter, watched] : {std::pair(&weight, &w), std::pair(&bias, &b)}) {
        const Tensor step =
            f.tape.call("scale", {f.tape.gradient(*watched)}, {{"by", -0.5F}}).value();
        *parameter = f.tape.call("add", {*parameter, step}).value();
    }
    const float number = *loss.read<float>();
    f.tape.next_step();
    return number;
}

TEST_CASE("a repeated step validates nothing again, takes no memory, and learns") {
    Fixture f;
    Random random(5);
    const auto draw = [&](const Dims& sizes) {
        Tensor made(f.arena, {Type::float32, sizes});
        for (Index i = 0; i < made.count(); ++i) {
            made.write<float>()[i] = static_cast<float>(random.below(200)) / 100 - 1;
        }
        return made;
    };
    const Tensor x = draw({16, 5});
    const Tensor target = f.tape.call("tanh", {draw({16, 3})}).value();
    Tensor weight = draw({3, 5});
    Tensor bias = draw({3});
    f.tape.next_step();
    const float first = train(f, weight, bias, x, target);
    train(f, weight, bias, x, target);
    const Arena::Use use = f.arena.use();
    float last = 0;
    for (int step = 0; step < 30; ++step) last = train(f, weight, bias, x, target);
    CHECK(last < 0.8F * first);
    CHECK(f.arena.use().system_requests == use.system_requests);
    CHECK(f.arena.use().peak_bytes == use.peak_bytes);
}

TEST_CASE("a step may differ from the one before") {
    Fixture f;
    const Tensor x = f.row({1, 2, 3});
    const auto step = [&](const char* op) {
        const Tensor first = f.tape.call("relu", {x}).value();
        const auto after = f.tape.call(op, {first});
        REQUIRE(after.ok());
        const std::size_t repeated = f.tape.repeated_count();
        f.tape.next_step();
        return repeated;
    };
    CHECK(step("exp") == 0);
    CHECK(step("exp") == 2);
    CHECK(step("negate") == 1);
    CHECK(step("negate") == 2);
    CHECK(f.tape.call("relu", {f.row({1, 2})}).value().count() == 2);
}

}  // namespace
}  // namespace shoal::engine
