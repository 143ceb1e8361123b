#include "provider/outbox.h"

#include <doctest/doctest.h>

namespace shoal::provider {

using protocol::session::Started;

namespace {

Outbox filled(std::size_t count, std::size_t window = 100) {
    Outbox outbox(window);
    for (std::size_t i = 1; i <= count; ++i) outbox.put(LeaseId{i}, Started{LeaseId{i}});
    return outbox;
}

std::vector<std::uint64_t> send_all(Outbox& outbox) {
    std::vector<std::uint64_t> leases;
    while (auto frame = outbox.next()) {
        leases.push_back(std::get<Started>(frame->message).lease.value);
        outbox.check_invariants();
    }
    return leases;
}

TEST_CASE("messages leave once, in order, numbered from one") {
    Outbox outbox = filled(3);
    CHECK(outbox.next()->sequence == 1);
    CHECK(outbox.next()->sequence == 2);
    CHECK(outbox.next()->sequence == 3);
    CHECK(!outbox.next());
}

TEST_CASE("a new session gets again what was not acknowledged, numbered anew") {
    Outbox outbox = filled(3);
    send_all(outbox);
    CHECK(outbox.acknowledge(1).size() == 1);
    outbox.reopen();
    CHECK(outbox.next()->sequence == 1);
    CHECK(send_all(outbox) == std::vector<std::uint64_t>{3});
    CHECK(outbox.acknowledge(2).size() == 2);
    CHECK(outbox.size() == 0);
}

TEST_CASE("an acknowledgement of what was never sent says nothing") {
    Outbox outbox = filled(2);
    outbox.next();
    CHECK(outbox.acknowledge(1'000'000).size() == 1);
    CHECK(outbox.acknowledge(0).empty());
    CHECK(outbox.size() == 1);
    CHECK(outbox.next()->sequence == 2);
}

TEST_CASE("no more than a window is under way") {
    Outbox outbox = filled(5, 2);
    CHECK(send_all(outbox) == std::vector<std::uint64_t>{1, 2});
    outbox.acknowledge(1);
    CHECK(send_all(outbox) == std::vector<std::uint64_t>{3});
}

TEST_CASE("what is dropped is what was not sent") {
    Outbox outbox = filled(2);
    outbox.next();
    outbox.drop(LeaseId{1});
    outbox.drop(LeaseId{2});
    CHECK(outbox.size() == 1);
    CHECK(!outbox.next());
}

}  // namespace

}  // namespace shoal::provider
