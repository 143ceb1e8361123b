#include "market/answers.h"

#include <doctest/doctest.h>

#include "core/limits.h"
#include "market/world_for_test.h"

namespace shoal::market {

namespace {

constexpr Answers::Limits small{Duration{1'000}, 3};

Time at(std::int64_t ms) {
    return Time{Duration{ms}};
}

TEST_CASE("an answer is forgotten when it is old, whoever is answered next") {
    Answers answers(small);
    answers.add(AccountId{1}, "acc_1 POST a", at(0));
    answers.add(AccountId{2}, "acc_2 POST b", at(500));
    CHECK(answers.take_due(AccountId{2}, at(999)).empty());
    CHECK(answers.take_due(AccountId{2}, at(1'000)) == std::vector<std::string>{"acc_1 POST a"});
    CHECK(answers.size() == 1);
}

TEST_CASE("an account with very many answers forgets its oldest, not another's") {
    Answers answers(small);
    answers.add(AccountId{2}, "acc_2 POST z", at(0));
    for (const char* name : {"acc_1 POST a", "acc_1 POST b", "acc_1 POST c"}) {
        answers.add(AccountId{1}, name, at(1));
        CHECK(answers.take_due(AccountId{1}, at(1)).empty());
    }
    answers.add(AccountId{1}, "acc_1 POST d", at(2));
    CHECK(answers.take_due(AccountId{1}, at(2)) == std::vector<std::string>{"acc_1 POST a"});
    CHECK(answers.size() == 4);
}

TEST_CASE("a name that comes again is as old as its last time") {
    Answers answers(small);
    answers.add(AccountId{1}, "acc_1 POST a", at(0));
    answers.add(AccountId{1}, "acc_1 POST a", at(900));
    CHECK(answers.size() == 1);
    CHECK(answers.take_due(AccountId{1}, at(1'000)).empty());
    CHECK(answers.take_due(AccountId{1}, at(1'900)).size() == 1);
}

TEST_CASE("a market's answers do not grow for ever, and a replay forgets the same") {
    World world;
    const auto answer = [&](int number) {
        protocol::RequestAnswered answered;
        answered.account = world.buyer;
        answered.route = "POST /v1/jobs";
        answered.key = std::to_string(number);
        answered.at = world.clock;
        world.market.remember_answer(answered, world.batch);
        world.flush();
    };
    for (int i = 0; i < 10; ++i) answer(i);
    world.clock += limits::idempotency_life;
    answer(10);
    CHECK(world.market.state().answered.size() == 1);
    world.replay();
}

}  // namespace

}  // namespace shoal::market
