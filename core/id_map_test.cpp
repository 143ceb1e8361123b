#include "core/id_map.h"

#include <map>
#include <string>

#include <doctest/doctest.h>

#include "core/id.h"
#include "core/json.h"
#include "core/random.h"

namespace shoal {
namespace {

using Things = IdMap<TaskId, std::string>;

template <class A, class B>
bool same(const A& a, const B& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), b.end()) &&
           std::equal(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

TEST_CASE("a map by ids does what a map does, whatever is put in and taken out") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Random random(seed);
        const std::uint64_t spread = seed % 2 == 0 ? 300 : std::uint64_t{1} << 50U;
        std::map<TaskId, std::string> plain;
        Things things;
        for (int step = 0; step < 2'000; ++step) {
            const TaskId key{seed % 4 < 2 ? random.below(spread)
                                          : static_cast<std::uint64_t>(step) / 2};
            const std::string value = std::to_string(step);
            switch (random.below(5)) {
                case 0:
                    CHECK(things.erase(key) == plain.erase(key));
                    break;
                case 1:
                    things[key] = value;
                    plain[key] = value;
                    break;
                default:
                    CHECK(things.emplace(key, value).second == plain.emplace(key, value).second);
            }
            CHECK(things.contains(key) == plain.contains(key));
            const auto after = things.upper_bound(key);
            const auto wanted = plain.upper_bound(key);
            REQUIRE((after == things.end()) == (wanted == plain.end()));
            if (wanted != plain.end()) CHECK(*after == *wanted);
            if (step % 100 == 0) CHECK(same(things, plain));
        }
        CHECK(same(things, plain));
        CHECK(same(Things(things), plain));
        CHECK(Things(things) == things);
    }
}

TEST_CASE("what is in a map by ids stays where it is while others come and go") {
    Things things;
    things.emplace(TaskId{5}, "five");
    const std::string& five = things.at(TaskId{5});
    for (std::uint64_t i = 1; i < 1'000; ++i) things.try_emplace(TaskId{i}, "other");
    for (std::uint64_t i = 1; i < 1'000; ++i) {
        if (i != 5) things.erase(TaskId{i});
    }
    CHECK(&things.at(TaskId{5}) == &five);
    CHECK(things.size() == 1);
    CHECK(things.find(TaskId{6}) == things.end());
    CHECK(things.find(TaskId{5})->second == "five");
}

TEST_CASE("what was moved from is empty, and may be used again") {
    Things things{{TaskId{1}, "one"}};
    const Things moved = std::move(things);
    things = {};
    CHECK(things.empty());
    CHECK(things != moved);
    CHECK(moved.size() == 1);
}

TEST_CASE("a map by ids is in JSON what a map is") {
    const std::map<TaskId, int> plain{{TaskId{1}, 1}, {TaskId{700}, 2}};
    IdMap<TaskId, int> things;
    for (const auto& [key, value] : plain) things.emplace(key, value);
    CHECK(json::print(things) == json::print(plain));
    CHECK(json::write(things) == json::write(plain));
    CHECK(json::read<IdMap<TaskId, int>>(json::write(plain), json::Reader::strict).value() ==
          things);
}

}  // namespace
}  // namespace shoal
