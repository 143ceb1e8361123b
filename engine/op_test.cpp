#include "engine/op.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "engine/cases.h"
#include "engine/tape.h"

namespace shoal::engine {
namespace {

std::vector<Tensor> run(const Case& drawn, Arena& arena) {
    ReferenceBackend reference;
    Tape tape(arena, reference);
    auto outputs = tape.call_all(drawn.row->name, drawn.inputs, drawn.arguments);
    REQUIRE(outputs.ok());
    std::vector<Tensor> results;
    for (const Tensor& output : outputs.value()) {
        if (!output) continue;
        results.push_back(output);
        if (output.contiguous()) continue;
        auto packed = tape.call("pack", {output});
        REQUIRE(packed.ok());
        results.back() = packed.value();
    }
    return results;
}

/// The first result's elements, each times a weight, summed: a number to differentiate.
Result<Tensor> weighted_sum(Tape& tape, const Tensor& y, const Tensor& weights) {
    const Tensor row = TRY(tape.call("reshape", {y}, {{"sizes", weights.sizes()}}));
    const Tensor products = TRY(tape.call("multiply", {row, weights}));
    return tape.call("sum", {products}, {{"axis", 0}});
}

double weighted_sum(const Case& drawn, const Tensor& weights, Arena& arena) {
    const std::vector<Tensor> results = run(drawn, arena);
    double sum = 0;
    for (Index i = 0; i < weights.count(); ++i) {
        sum += static_cast<double>(weights.read<float>()[i]) *
               static_cast<double>(results[0].read<float>()[i]);
    }
    return sum;
}

/// The slope of the weighted sum as one element moves by up to `step` either way.
double slope(Case& drawn, std::size_t input, Index element, float step, const Tensor& weights,
             Arena& arena) {
    float& number = drawn.inputs[input].write<float>()[element];
    const float before = number;
    number = before + step;
    const double above = weighted_sum(drawn, weights, arena);
    const double rise = static_cast<double>(number);
    number = before - step;
    const double below = weighted_sum(drawn, weights, arena);
    const double run = rise - static_cast<double>(number);
    number = before;
    return (above - below) / run;
}

struct Checked {
    int smooth = 0;
    int bent = 0;  // where the slope differs by the width of the step: a corner is near
};

void check_element(Case& drawn, std::size_t input, Index element, float gradient,
                   const Tensor& weights, Arena& arena, Checked& checked) {
    constexpr float step = 1.0F / 64;
    const double wide = slope(drawn, input, element, step, weights, arena);
    const double narrow = slope(drawn, input, element, step / 2, weights, arena);
    const double exact = (4 * narrow - wide) / 3;
    const double size = std::max(1.0, std::abs(exact));
    if (std::abs(wide - narrow) > 0.05 * size) {
        ++checked.bent;
        return;
    }
    ++checked.smooth;
    CAPTURE(std::string(drawn.row->name));
    CAPTURE(input);
    CAPTURE(element);
    CHECK(std::abs(static_cast<double>(gradient) - exact) <= 0.004 * size);
}

Tensor draw_weights(Random& random, Arena& arena, Index count) {
    Tensor weights(arena, {Type::float32, {count}});
    for (Index i = 0; i < count; ++i) {
        weights.write<float>()[i] = static_cast<float>(random.below(17)) / 8 - 1;
    }
    return weights;
}

void check_gradients(Case& drawn, Random& random, Arena& arena, Checked& checked) {
    ReferenceBackend reference;
    Tape tape(arena, reference);
    std::vector<Tensor> watched;
    for (std::size_t i = 0; i < drawn.inputs.size(); ++i) {
        const Tensor& input = drawn.inputs[i];
        const std::size_t place = std::min(i, drawn.row->inputs.size() - 1);
        const bool differs =
            input && input.type() == Type::float32 && !drawn.row->inputs[place].constant;
        watched.push_back(differs ? tape.watch(input) : input);
    }
    const auto outputs = tape.call_all(drawn.row->name, watched, drawn.arguments);
    REQUIRE(outputs.ok());
    const Tensor weights = draw_weights(random, arena, outputs.value()[0].count());
    const auto loss = weighted_sum(tape, outputs.value()[0], weights);
    REQUIRE(loss.ok());
    const Status went = tape.backward(loss.value());
    REQUIRE_MESSAGE(went.ok(), drawn.row->name);
    for (std::size_t i = 0; i < watched.size(); ++i) {
        const Tensor gradient = tape.gradient(watched[i]);
        if (!gradient) continue;
        const auto packed = tape.call("pack", {gradient});
        REQUIRE(packed.ok());
        const std::vector<float> numbers(packed.value().read<float>(),
                                         packed.value().read<float>() + gradient.count());
        for (int draw = 0; draw < 6; ++draw) {
            const std::uint64_t element = random.below(numbers.size());
            check_element(drawn, i, static_cast<Index>(element), numbers[element], weights, arena,
                          checked);
        }
    }
}

using Golden = std::map<std::string, std::string>;
const char* const golden_file = SHOAL_SOURCE_FOLDER "/engine/testdata/ops.golden";

Golden read_golden() {
    Golden golden;
    std::ifstream file(golden_file);
    std::string name;
    std::string hash;
    while (file >> name >> hash) golden[name] = hash;
    return golden;
}

TEST_CASE("names of ops are unique, and every op and parameter says what it is") {
    std::set<std::string> names;
    for (const OpRow* row : every_row()) {
        CAPTURE(std::string(row->name));
        CHECK(names.insert(row->name).second);
        CHECK(std::string(row->text).back() == '.');
        CHECK(row->params.size() <= params_max);
        CHECK((row->reference != nullptr || row->view != nullptr));
        std::set<std::string> params;
        for (const Param& param : row->params) {
            CHECK(params.insert(param.name).second);
            CHECK(param.low <= param.high);
            CHECK(std::string(param.text).size() > 3);
        }
    }
}

TEST_CASE("an op that is not there is refused, and a near one is named") {
    const auto found = find_op("relo");
    REQUIRE(!found.ok());
    CHECK(found.error().code == Code::not_found);
    CHECK(found.error().what == "there is no op relo; did you mean relu?");
}

TEST_CASE("a call that does not fit is refused with the op, the input and the reason") {
    Arena arena;
    ReferenceBackend reference;
    Tape tape(arena, reference);
    const Tensor wide(arena, {Type::float32, {2, 3}});
    const Tensor ids = Tensor::of<std::int32_t>(arena, {2}, std::array{0, 2});
    const auto what = [](const Result<Tensor>& refused) {
        REQUIRE(!refused.ok());
        return refused.error().what;
    };
    CHECK(what(tape.call("matmul", {wide, wide})) ==
          "matmul: float32[2, 3] and float32[2, 3] do not fit each other");
    CHECK(what(tape.call("relu", {ids})) == "relu: x: expected float32, got int32[2]");
    CHECK(what(tape.call("relu", {wide, wide})) == "relu: expected 1 inputs, got 2");
    CHECK(what(tape.call("embedding", {wide, ids})) ==
          "embedding: ids: expected whole numbers from 0 to 1, got 2 at place 1");
    CHECK(what(tape.call("leaky_relu", {wide}, {{"slope", 2.0F}})) ==
          "leaky_relu: slope: expected a number from 0 to 1, got 2");
    CHECK(what(tape.call("relu", {wide}, {{"slope", 2.0F}})) ==
          "relu: a parameter that the op does not have, or twice");
    const Dims huge{1LL << 40, 1LL << 40};
    CHECK(what(tape.call("stretch", {wide}, {{"sizes", huge}})) ==
          "stretch: sizes: [1099511627776, 1099511627776] is more than a tensor can hold");
    CHECK(tape.record_count() == 0);
}

TEST_CASE("gradients are the slopes that small steps show") {
    Arena arena;
    Random random(11);
    for (const OpRow* row : every_row()) {
        if (row->gradient == nullptr) continue;
        Checked checked;
        for (int round = 0; round < 4; ++round) {
            Case drawn = random_case(*row, random, arena);
            check_gradients(drawn, random, arena, checked);
        }
        CAPTURE(std::string(row->name));
        CHECK(checked.smooth > 4 * checked.bent);
    }
}

// SHOAL_GOLDEN=write writes the file anew: do it only for an op that is new.
TEST_CASE("every op gives the bits that it gave before") {
    Arena arena;
    Golden found;
    for (const OpRow* row : every_row()) {
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            Random random(seed);
            const Case drawn = random_case(*row, random, arena);
            const std::vector<Tensor> results = run(drawn, arena);
            found[std::string(row->name) + "/" + std::to_string(seed)] =
                to_string(hash_of(results));
        }
    }
    const char* wish = std::getenv("SHOAL_GOLDEN");
    if (wish != nullptr && std::string(wish) == "write") {
        std::ofstream file(golden_file);
        for (const auto& [name, hash] : found) file << name << " " << hash << "\n";
    }
    const Golden golden = read_golden();
    CHECK(golden.size() == found.size());
    for (const auto& [name, hash] : found) {
        CAPTURE(name);
        const auto expected = golden.find(name);
        CHECK((expected != golden.end() && expected->second == hash));
    }
}

}  // namespace
}  // namespace shoal::engine
