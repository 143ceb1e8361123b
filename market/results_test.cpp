#include "market/results.h"

#include <doctest/doctest.h>

namespace shoal::market {
namespace {

const AccountId mine{1};
const AccountId other{2};
const Hash same = sha256("task");

protocol::Artifact file(const char* content) {
    return {content, sha256(std::string_view(content)), 1};
}

TEST_CASE("the newest result of an identity answers, and only its own account") {
    Results results;
    CHECK_FALSE(results.find(mine, same));
    results.keep(mine, same, LeaseId{5}, {file("a")});
    results.keep(mine, same, LeaseId{3}, {file("b")});
    CHECK(results.find(mine, same) == LeaseId{5});
    CHECK_FALSE(results.find(other, same));
    CHECK_FALSE(results.find(mine, sha256("other task")));
}

TEST_CASE("a result goes with the first of its files, and an older one answers again") {
    Results results;
    results.keep(mine, same, LeaseId{3}, {file("b")});
    results.keep(mine, same, LeaseId{5}, {file("a"), file("c"), file("a")});
    CHECK(results.drop(other, sha256("a")).empty());
    CHECK(results.drop(mine, sha256("c")) == std::vector<LeaseId>{LeaseId{5}});
    CHECK(results.find(mine, same) == LeaseId{3});
    CHECK(results.drop(mine, sha256("a")).empty());
    CHECK(results.drop(mine, sha256("b")) == std::vector<LeaseId>{LeaseId{3}});
    CHECK(results == Results());
}

}  // namespace
}  // namespace shoal::market
