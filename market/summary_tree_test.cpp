#include "market/summary_tree.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "core/random.h"

namespace shoal::market {

namespace {

/// The least and how many.
struct Least {
    std::int64_t least = 0;
    std::uint64_t count = 1;

    void add(const Least& other) {
        least = std::min(least, other.least);
        count += other.count;
    }
};

using Tree = SummaryTree<std::uint64_t, Least>;

std::vector<std::uint64_t> keys_below(const Tree& tree, std::int64_t most) {
    std::vector<std::uint64_t> found;
    tree.walk([&](const Least& some) { return some.least <= most; },
              [&](std::uint64_t key, const Least& /*leaf*/) {
                  found.push_back(key);
                  return false;
              });
    return found;
}

std::vector<std::uint64_t> scan_below(const std::map<std::uint64_t, std::int64_t>& all,
                                      std::int64_t most) {
    std::vector<std::uint64_t> found;
    for (const auto& [key, value] : all) {
        if (value <= most) found.push_back(key);
    }
    return found;
}

TEST_CASE("a summary tree finds what a scan finds, in order, after any changes") {
    Random random(7);
    Tree tree;
    std::map<std::uint64_t, std::int64_t> all;
    for (int step = 0; step < 20'000; ++step) {
        const std::uint64_t key = random.below(500);
        if (random.percent(40)) {
            CHECK(tree.erase(key) == (all.erase(key) == 1));
        } else {
            all[key] = static_cast<std::int64_t>(random.below(1'000));
            tree.put(key, {all[key], 1});
        }
        if (step % 50 != 0) continue;
        REQUIRE(tree.size() == all.size());
        REQUIRE(keys_below(tree, 100) == scan_below(all, 100));
        if (!all.empty()) REQUIRE(tree.whole()->count == all.size());
        if (all.empty()) REQUIRE(tree.whole() == nullptr);
    }
}

TEST_CASE("a walk passes by what cannot hold what is looked for") {
    Tree tree;
    constexpr std::uint64_t leaves = 100'000;
    for (std::uint64_t key = 0; key < leaves; ++key) tree.put(key, {key == 77'777 ? 1 : 2, 1});
    std::size_t looked_at = 0;
    std::uint64_t found = 0;
    const bool is_found = tree.walk(
        [&](const Least& some) {
            ++looked_at;
            return some.least == 1;
        },
        [&](std::uint64_t key, const Least& /*leaf*/) {
            found = key;
            return true;
        });
    CHECK(is_found);
    CHECK(found == 77'777);
    CHECK(looked_at < 200);  // 3 a level; a treap of so many is about 40 deep
}

TEST_CASE("a walk back meets the last first, and either stops when it is told to") {
    Tree tree;
    for (const std::uint64_t key : {5U, 1U, 9U, 3U}) tree.put(key, {});
    std::vector<std::uint64_t> met;
    const auto any = [](const Least&) { return true; };
    CHECK(tree.walk_back(any, [&](std::uint64_t key, const Least&) {
        met.push_back(key);
        return key == 3;
    }));
    CHECK(met == std::vector<std::uint64_t>{9, 5, 3});
    CHECK_FALSE(tree.walk(any, [](std::uint64_t, const Least&) { return false; }));
    CHECK(tree.find(9) != nullptr);
    CHECK(tree.find(8) == nullptr);
    CHECK_FALSE(tree.erase(8));
}

}  // namespace

}  // namespace shoal::market
