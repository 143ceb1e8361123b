#include "provider/attempts.h"

#include <doctest/doctest.h>

#include "provider/testing.h"

namespace shoal::provider {

using protocol::Reason;
using protocol::session::Ack;
using protocol::session::Alive;
using protocol::session::Ended;
using protocol::session::Exited;
using protocol::session::Finished;
using protocol::session::Granted;
using protocol::session::Order;
using protocol::session::Renewed;
using protocol::session::Said;
using protocol::session::Started;
using protocol::session::Welcome;
using testing::all_of;
using testing::make_order;
using testing::make_outcome;
using testing::said;

namespace {

struct Case {
    Attempts attempts{{.capacity = {2, 1_GiB, 1_GiB}, .attempts_max = 2}};
    Moment moment{Time{Duration{1'000'000}}, 4711};
    Effects effects;

    template <class Input>
    const Effects& tell(const Input& input) {
        effects.clear();
        attempts.on(input, moment, effects);
        attempts.check_invariants();
        return effects;
    }
    const Effects& pass(Duration time) {
        moment.now += time;
        effects.clear();
        attempts.tick(moment, effects);
        attempts.check_invariants();
        return effects;
    }
    void open(std::vector<Order> orders = {}) { tell(Welcome{1, "", {}, {}, std::move(orders)}); }
    void run(std::uint64_t lease) {
        tell(Granted{make_order(lease)});
        tell(JobStarted{LeaseId{lease}});
    }
    std::optional<Phase> phase(std::uint64_t lease) const { return attempts.phase(LeaseId{lease}); }
};

TEST_CASE("an attempt without inputs starts at once and is told from start to end") {
    Case it;
    it.open();
    const auto started = all_of<StartShim>(it.tell(Granted{make_order(1)}));
    REQUIRE(started.size() == 1);
    CHECK(started[0].left == Duration{60'000});
    CHECK(said<Started>(it.tell(JobStarted{LeaseId{1}})).size() == 1);
    it.tell(JobSaid{LeaseId{1}, 0, "hello\n", "{\"metric\":{\"loss\":0.5}}\n"});
    REQUIRE(said<Said>(it.effects).size() == 1);
    CHECK(said<Said>(it.effects)[0].log == "hello\n");
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::completed)});
    CHECK(said<Exited>(it.effects).size() == 1);
    CHECK(all_of<Collect>(it.effects).at(0).wanted == Wanted::outputs_and_log);

    const protocol::Artifact made{"model", {}, 3};
    it.tell(Collected{LeaseId{1}, {made}, protocol::Artifact{"log", {}, 6}, {}});
    CHECK(all_of<Upload>(it.effects).at(0).artifacts.size() == 1);
    it.tell(Uploaded{LeaseId{1}});
    const auto finished = said<Finished>(it.effects);
    REQUIRE(finished.size() == 1);
    CHECK(finished[0].reason == Reason::completed);
    CHECK(finished[0].artifacts == std::vector{made});
    CHECK(finished[0].log);
    CHECK(finished[0].metrics == std::map<std::string, double>{{"loss", 0.5}});
    CHECK(all_of<Forget>(it.effects).empty());
    CHECK(all_of<Forget>(it.tell(Ack{3})).size() == 1);
    CHECK(it.attempts.size() == 0);
}

TEST_CASE("what does not fit waits, in the order of the leases") {
    Case it;
    it.open();
    CHECK(all_of<StartShim>(it.tell(Granted{make_order(1, 1)})).size() == 1);
    CHECK(all_of<StartShim>(it.tell(Granted{make_order(2, 2)})).empty());
    CHECK(all_of<StartShim>(it.tell(Granted{make_order(3, 1)})).empty());  // behind the second
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::exit_code)});
    REQUIRE(all_of<StartShim>(it.effects).size() == 1);
    CHECK(all_of<StartShim>(it.effects)[0].order.lease == LeaseId{2});
    CHECK(it.phase(3) == Phase::waiting);
    it.tell(JobEnded{LeaseId{2}, make_outcome(Reason::exit_code)});
    CHECK(it.phase(3) == Phase::starting);
}

TEST_CASE("what can never fit, and what no buyer could have asked, is given back") {
    Case it;
    it.open();
    it.tell(Granted{make_order(1, 3)});
    CHECK(said<Finished>(it.effects).at(0).reason == Reason::provider_reclaimed);
    Order climbing = make_order(2);
    climbing.outputs = {{"../../etc", false}};
    it.tell(Granted{climbing});
    CHECK(said<Finished>(it.effects).at(0).reason == Reason::provider_reclaimed);
    CHECK(all_of<StartShim>(it.effects).empty());
}

TEST_CASE("secrets go to the shim once, and are not kept beside it") {
    Case it;
    it.open();
    Order order = make_order(1);
    order.secrets = {{"KEY", "correct horse"}};
    const auto started = all_of<StartShim>(it.tell(Granted{order}));
    REQUIRE(started.size() == 1);
    CHECK(started[0].order.secrets == order.secrets);
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::completed)});
    CHECK(all_of<Collect>(it.effects).at(0).order.secrets.empty());
}

TEST_CASE("an order whose secrets cannot be a job's is given back") {
    for (const auto& [name, value] : std::map<std::string, std::string>{
             {"", "correct horse"}, {"A=B", "correct horse"}, {"KEY", "short"}, {"HOME", ""}}) {
        Case it;
        it.open();
        Order order = make_order(1);
        order.secrets = {{name, value}};
        it.tell(Granted{order});
        CHECK(said<Finished>(it.effects).at(0).reason == Reason::provider_reclaimed);
        CHECK(said<Finished>(it.effects).at(0).detail.find("horse") == std::string::npos);
    }
}

TEST_CASE("inputs are fetched first, tried again while there is hope, and given up when not") {
    Case it;
    it.open();
    Order order = make_order(1);
    order.inputs = {testing::make_input("data")};
    CHECK(all_of<FetchInputs>(it.tell(Granted{order})).size() == 1);
    it.tell(InputsFailed{LeaseId{1}, Reason::fetch_failed, "busy", Hope::again});
    CHECK(said<Finished>(it.effects).empty());
    CHECK(all_of<FetchInputs>(it.pass(Duration{250})).size() == 1);
    it.tell(InputsFetched{LeaseId{1}});
    CHECK(all_of<StartShim>(it.effects).size() == 1);

    order.lease = LeaseId{2};
    it.tell(Granted{order});
    it.tell(InputsFailed{LeaseId{2}, Reason::input_changed, "another hash", Hope::none});
    CHECK(said<Finished>(it.effects).at(0).reason == Reason::input_changed);
}

TEST_CASE("outputs that are not taken fail the attempt, and its log is delivered all the same") {
    Case it;
    it.open();
    it.run(1);
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::completed)});
    it.tell(Collected{LeaseId{1},
                      {},
                      protocol::Artifact{"log", {}, 6},
                      Collected::Refusal{Reason::output_missing, "model.bin"}});
    it.tell(Uploaded{LeaseId{1}});
    const Finished finished = said<Finished>(it.effects).at(0);
    CHECK(finished.reason == Reason::output_missing);
    CHECK(finished.detail == "model.bin");
    CHECK(finished.log);
    CHECK(finished.artifacts.empty());
}

TEST_CASE("a lease that nobody renews ends, and the attempt with it") {
    Case it;
    it.open();
    it.run(1);
    it.attempts.session_closed();
    CHECK(all_of<StopShim>(it.pass(Duration{59'999})).empty());
    const auto stopped = all_of<StopShim>(it.pass(Duration{1}));
    REQUIRE(stopped.size() == 1);
    CHECK(stopped[0].reason == Reason::lease_expired);
    CHECK(all_of<StopShim>(it.pass(Duration{10'000})).empty());  // once
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::lease_expired)});
    it.tell(Collected{LeaseId{1}, {}, {}, {}});
    CHECK(it.phase(1) == Phase::delivered);
    it.open({make_order(1)});  // the market still believes in it: it is told
    CHECK(said<Finished>(it.effects).at(0).reason == Reason::lease_expired);
    CHECK(all_of<StartShim>(it.effects).empty());
}

TEST_CASE("a renewal moves the deadline here and in the shim") {
    Case it;
    it.open();
    it.run(1);
    it.pass(Duration{30'000});
    CHECK(all_of<MoveDeadline>(it.tell(Renewed{LeaseId{1}, Duration{60'000}})).size() == 1);
    CHECK(all_of<StopShim>(it.pass(Duration{59'000})).empty());
    CHECK(all_of<StopShim>(it.pass(Duration{1'000})).size() == 1);
}

TEST_CASE("a lease that the market ends is stopped and forgotten without another word") {
    Case it;
    it.open();
    it.run(1);
    CHECK(all_of<StopShim>(it.tell(Ended{LeaseId{1}, Reason::cancelled_by_buyer})).size() == 1);
    CHECK(all_of<Forget>(it.effects).empty());
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::cancelled_by_buyer)});
    CHECK(all_of<Forget>(it.effects).size() == 1);
    CHECK(said<Exited>(it.effects).empty());
    CHECK(it.attempts.size() == 0);
}

TEST_CASE("a welcome begins what is new, goes on with what is known and ends what is missing") {
    Case it;
    it.open();
    it.run(1);
    it.run(2);
    it.tell(JobEnded{LeaseId{2}, make_outcome(Reason::exit_code)});
    it.attempts.session_closed();
    it.tell(Collected{LeaseId{2}, {}, {}, {}});
    CHECK(said<Finished>(it.effects).empty());  // nobody listens
    it.open({make_order(2), make_order(3)});
    CHECK(all_of<StopShim>(it.effects).at(0).lease == LeaseId{1});
    CHECK(all_of<StartShim>(it.effects).at(0).order.lease == LeaseId{3});
    CHECK(said<Started>(it.effects).at(0).lease == LeaseId{2});  // never acknowledged
    CHECK(said<Exited>(it.effects).size() == 1);
    CHECK(said<Finished>(it.effects).at(0).lease == LeaseId{2});
    CHECK(all_of<Send>(it.effects).at(0).frame.sequence == 1);
}

TEST_CASE("an attempt of an earlier process is taken up and told again") {
    Case it;
    it.attempts.restore({{make_order(1), 1}}, it.moment.now);
    it.tell(JobStarted{LeaseId{1}});
    it.open({make_order(1)});
    CHECK(said<Started>(it.effects).size() == 1);
    CHECK(all_of<StartShim>(it.effects).empty());
    CHECK(all_of<StartShim>(it.tell(Granted{make_order(2)})).at(0).slot == 0);
    CHECK(all_of<StartShim>(it.tell(Granted{make_order(3)})).empty());
}

TEST_CASE("the owner gets the machine back: no new work, time for the old, then an end") {
    Case it;
    it.open();
    it.run(1);
    Order fetching = make_order(2);
    fetching.inputs = {testing::make_input("data")};
    it.tell(Granted{fetching});
    it.tell(Drain{});
    CHECK(said<Alive>(it.effects).at(0).draining);
    it.tell(InputsFetched{LeaseId{2}});
    CHECK(said<Finished>(it.effects).at(0).reason == Reason::provider_drained);
    CHECK(said<Finished>(it.tell(Granted{make_order(3)})).at(0).reason == Reason::provider_drained);
    it.tell(Renewed{LeaseId{1}, Duration{600'000}});
    CHECK(all_of<StopShim>(it.pass(Duration{29'999})).empty());
    CHECK(all_of<StopShim>(it.pass(Duration{1})).at(0).reason == Reason::provider_drained);
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::provider_drained)});
    it.tell(Collected{LeaseId{1}, {}, {}, {}});
    CHECK(all_of<Leave>(it.effects).empty());
    it.tell(Ack{100});
    CHECK(all_of<Leave>(it.effects).size() == 1);
}

TEST_CASE("an upload is tried again while the lease lasts") {
    Case it;
    it.open();
    it.run(1);
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::completed)});
    it.tell(Collected{LeaseId{1}, {{"model", {}, 3}}, {}, {}});
    it.tell(UploadFailed{LeaseId{1}, "the market is away", Hope::again, {}, 0});
    CHECK(said<Finished>(it.effects).empty());
    CHECK(all_of<Upload>(it.pass(Duration{250})).size() == 1);
    it.tell(UploadFailed{LeaseId{1}, "413", Hope::none, {}, 0});
    CHECK(said<Finished>(it.effects).at(0).reason == Reason::upload_failed);
    CHECK(said<Finished>(it.effects).at(0).artifacts.empty());
}

TEST_CASE("an upload goes on where it broke off, when the market wants it to") {
    Case it;
    it.open();
    it.run(1);
    it.tell(JobEnded{LeaseId{1}, make_outcome(Reason::completed)});
    it.tell(Collected{LeaseId{1}, {{"a", {}, 3}, {"b", {}, 3}, {"c", {}, 3}}, {}, {}});
    it.tell(UploadFailed{LeaseId{1}, "429", Hope::again, Duration{2'000}, 1});
    CHECK(all_of<Upload>(it.pass(Duration{1'999})).empty());
    const auto again = all_of<Upload>(it.pass(Duration{1}));
    REQUIRE(again.size() == 1);
    REQUIRE(again[0].artifacts.size() == 2);
    CHECK(again[0].artifacts[0].path == "b");
    it.tell(UploadFailed{LeaseId{1}, "429", Hope::again, {}, 1});
    CHECK(all_of<Upload>(it.pass(Duration{250})).at(0).artifacts.at(0).path == "c");
    it.tell(Uploaded{LeaseId{1}});
    CHECK(said<Finished>(it.effects).at(0).artifacts.size() == 3);
}

TEST_CASE("the provider says that it lives, and with what") {
    Case it;
    it.open();
    it.run(1);
    CHECK(said<Alive>(it.pass(Duration{9'999})).empty());
    CHECK(said<Alive>(it.pass(Duration{1})).at(0).leases == std::vector{LeaseId{1}});
    it.attempts.session_closed();
    CHECK(said<Alive>(it.pass(Duration{10'000})).empty());
}

TEST_CASE("a shell's word about an attempt that is gone changes nothing") {
    Case it;
    it.open();
    CHECK(it.tell(JobEnded{LeaseId{9}, {}}).empty());
    CHECK(it.tell(Uploaded{LeaseId{9}}).empty());
    CHECK(it.tell(Ended{LeaseId{9}, Reason::completed}).empty());
    CHECK(it.tell(Renewed{LeaseId{9}, Duration{1}}).empty());
}

}  // namespace

}  // namespace shoal::provider
