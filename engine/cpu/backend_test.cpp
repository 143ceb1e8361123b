#include "engine/cpu/backend.h"

#include <array>
#include <bit>
#include <vector>

#include <doctest/doctest.h>

#include "engine/cases.h"
#include "engine/tape.h"

namespace shoal::engine::cpu {
namespace {

Hash run(Backend& backend, Arena& arena, const Case& drawn) {
    Tape tape(arena, backend);
    const auto outputs = tape.call_all(drawn.row->name, drawn.inputs, drawn.arguments);
    REQUIRE(outputs.ok());
    std::vector<Tensor> results;
    for (const Tensor& output : outputs.value()) {
        if (output && output.contiguous()) results.push_back(output);
    }
    return hash_of(results);
}

TEST_CASE("every op gives the reference's bits with every instruction set and 1, 2, 3 threads") {
    Arena arena;
    Random random(21);
    ReferenceBackend reference;
    for (const OpRow* row : every_row()) {
        const Case drawn = random_case(*row, random, arena);
        const Hash expected = run(reference, arena, drawn);
        for (const Kernels* set : usable_kernels()) {
            for (const int threads : {1, 2, 3}) {
                Pool pool(threads);
                CpuBackend backend(*set, pool);
                CAPTURE(std::string(row->name));
                CAPTURE(std::string(set->name));
                CAPTURE(threads);
                CHECK(run(backend, arena, drawn) == expected);
            }
        }
    }
}

/// The generator of the golden products: a linear congruence, 24 bits of each number.
class Golden {
public:
    explicit Golden(std::uint64_t seed) : state_(seed) {}
    Tensor matrix(Arena& arena, Index rows, Index columns) {
        Tensor made(arena, {Type::float32, {rows, columns}});
        for (Index i = 0; i < made.count(); ++i) made.write<float>()[i] = next();
        return made;
    }

private:
    float next() {
        state_ = state_ * 6364136223846793005 + 1442695040888963407;
        const auto bits = static_cast<std::int32_t>((state_ >> 33) & 0xffffff);
        return static_cast<float>(bits - 0x800000) * (1.0F / 0x800000);
    }
    std::uint64_t state_;
};

std::uint64_t fnv(const Tensor& tensor) {
    std::uint64_t hash = 1469598103934665603;
    for (const float number : tensor.values<float>()) {
        for (int shift = 0; shift < 32; shift += 8) {
            hash ^= (std::bit_cast<std::uint32_t>(number) >> shift) & 0xff;
            hash *= 1099511628211;
        }
    }
    return hash;
}

struct Product {
    Index rows;
    Index columns;
    Index depth;
    std::uint64_t hash;
};

TEST_CASE("matrix products have the bits that the contract gives as examples") {
    constexpr Product products[] = {{37, 53, 129, 0x9c2a0931876941fb},
                                    {128, 128, 128, 0xb7e46e37662c8815},
                                    {128, 128, 2048, 0xc10df783d9154f03},
                                    {65, 33, 5000, 0x67526f2f36422d99}};
    for (const Product& product : products) {
        const auto [rows, columns, depth, hash] = product;
        Arena arena;
        Golden golden(static_cast<std::uint64_t>(7 * rows + 13 * columns + depth));
        const Tensor a = golden.matrix(arena, rows, depth);
        const Tensor b = golden.matrix(arena, depth, columns);
        for (const Kernels* set : usable_kernels()) {
            Pool pool(2);
            CpuBackend backend(*set, pool);
            Tape tape(arena, backend);
            const auto c = tape.call("matmul", {a, b});
            REQUIRE(c.ok());
            CAPTURE(std::string(set->name));
            CAPTURE(depth);
            CHECK(fnv(c.value()) == hash);
        }
    }
}

/// Sizes around the edges of blocks, tiles and slices.
Index draw_size(Random& random, bool deep) {
    const Index edges[] = {1, 2, 7, 14, 16, 32, 33, 168, 255, 256, 257};
    const Index most = deep ? 11 : 8;
    return edges[random.below(static_cast<std::uint64_t>(most))];
}

TEST_CASE("ragged, turned and batched products equal the reference") {
    Random random(31);
    Arena arena;
    ReferenceBackend reference;
    const auto row = find_op("matmul");
    REQUIRE(row.ok());
    for (int round = 0; round < 24; ++round) {
        const Index m = draw_size(random, false);
        const Index n = draw_size(random, false);
        const Index k = draw_size(random, true);
        if (m * n * k > 400'000) continue;  // the reference is slow
        const Index batches = random.percent(30) ? 3 : 1;
        const bool turn_a = random.percent(50);
        const bool turn_b = random.percent(50);
        Golden golden(random.below(1 << 20));
        const Tensor a = golden.matrix(arena, batches * m, k);
        const Tensor b = golden.matrix(arena, batches * k, n);
        const Case drawn{row.value(),
                         {{"transpose_a", turn_a ? 1 : 0}, {"transpose_b", turn_b ? 1 : 0}},
                         {a.reshaped(turn_a ? Dims{batches, k, m} : Dims{batches, m, k}),
                          b.reshaped(turn_b ? Dims{batches, n, k} : Dims{batches, k, n})}};
        const Hash expected = run(reference, arena, drawn);
        for (const Kernels* set : usable_kernels()) {
            Pool pool(3);
            CpuBackend backend(*set, pool);
            CAPTURE(std::string(set->name));
            CHECK(run(backend, arena, drawn) == expected);
        }
    }
}

TEST_CASE("a row of a batch gives what it gives alone") {
    Arena arena;
    Golden golden(5);
    const Tensor x = golden.matrix(arena, 40, 300);
    const Tensor weight = golden.matrix(arena, 70, 300);
    for (const Kernels* set : usable_kernels()) {
        Pool pool(2);
        CpuBackend backend(*set, pool);
        Tape tape(arena, backend);
        const Tensor all = tape.call("linear", {x, weight, Tensor()}).value();
        const Tensor one = tape.call("linear", {x.sliced(0, 23, 1), weight, Tensor()}).value();
        const Tensor same = tape.call("pack", {all.sliced(0, 23, 1)}).value();
        CHECK(hash_of(std::array{one}) == hash_of(std::array{same}));
    }
}

}  // namespace
}  // namespace shoal::engine::cpu
