#include <doctest/doctest.h>

#include "market/api/served_for_test.h"

namespace shoal::market {
namespace {

using namespace std::chrono_literals;

struct Stored : Served {
    ApiAnswer head(std::string_view bytes, const std::string& secret, LeaseId lease = {}) {
        ApiRequest asked = request("HEAD", "/v1/blobs/" + to_string(sha256(bytes)), secret);
        if (lease != LeaseId{}) asked.headers["shoal-lease"] = to_string(lease);
        return ask(asked);
    }
    LeaseId begin_job() {
        CHECK(submit(simple_job()).ok());
        return live().front();
    }
};

TEST_CASE("who looks for a blob keeps it, who reads it does not") {
    Stored served;
    REQUIRE(served.store("data").ok());
    served.advance(limits::upload_life);
    const std::size_t before = served.journal.size();
    CHECK(served.get("/v1/blobs/" + to_string(sha256("data")), served.buyer_key).blob.has_value());
    CHECK(served.journal.size() == before);
    CHECK(served.head("data", served.operator_key).status == 200);
    CHECK(served.journal.size() == before);
    CHECK(served.head("data", served.buyer_key).status == 200);
    REQUIRE(served.journal.size() == before + 1);
    CHECK(served.journal.back().first == "blob_stored");
}

TEST_CASE("a provider that looks for an output asks for the buyer's blob, and holds it") {
    Stored served;
    REQUIRE(served.store("output").ok());
    const LeaseId lease = served.begin_job();
    CHECK(served.head("output", served.seller_key).status == 404);
    CHECK(served.head("output", served.seller_key, lease).status == 200);
    CHECK(served.market.state().attempts.at(lease).uploads == std::vector{sha256("output")});
    CHECK(served.head("another", served.seller_key, lease).status == 404);
    CHECK(served.head("output", served.other_key, lease).status == 404);
    CHECK(served.head("output", served.buyer_key, lease).status == 404);
    CHECK(served.head("output", served.seller_key, served.finished_lease).status == 409);
    served.replay();
}

TEST_CASE("a blob that was dropped is told from one that never was") {
    Stored served;
    REQUIRE(served.store("data").ok());
    const std::string path = "/v1/blobs/" + to_string(sha256("data"));
    served.clock = Time{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} -
                        std::chrono::sys_days{} + 7h + 5min};
    served.advance(0ms);
    const ApiAnswer gone = served.get(path, served.buyer_key);
    CHECK(gone.status == 410);
    CHECK(problem(gone).code == "not_found");
    CHECK(problem(gone).message.find("dropped on 2026-11-20 07:05 UTC") != std::string::npos);
    CHECK(served.get(path, served.other_key).status == 404);
    REQUIRE(served.store("data").ok());
    CHECK(served.get(path, served.buyer_key).status == 200);
}

TEST_CASE("artifacts and logs say when their bytes were dropped") {
    Stored served;
    const LeaseId lease = served.begin_job();
    const JobId job = served.market.state().attempts.at(lease).job;
    CHECK(served.hear(served.machine, protocol::session::Started{lease}).ok());
    protocol::AttemptOutcome outcome;
    outcome.reason = protocol::Reason::completed;
    CHECK(served.hear(served.machine, protocol::session::Exited{lease, outcome}).ok());
    REQUIRE(served.store("model", lease).ok());
    REQUIRE(served.store("words", lease).ok());
    protocol::session::Finished finished;
    finished.lease = lease;
    finished.artifacts = {{"model", sha256("model"), 5}};
    finished.log = protocol::Artifact{"log", sha256("words"), 5};
    CHECK(served.hear(served.machine, finished).ok());

    const std::string artifacts = "/v1/jobs/" + to_string(job) + "/artifacts";
    const std::string log = "/v1/attempts/" + to_string(lease) + "/log";
    const auto shown = [&] {
        return view<protocol::ArtifactPage>(served.get(artifacts, served.buyer_key)).items.at(0);
    };
    CHECK(shown().available);
    CHECK(served.get(log, served.buyer_key).blob.has_value());
    served.advance(limits::log_retention + limits::sweep_delay);
    CHECK(shown().available);
    CHECK_FALSE(shown().dropped.has_value());
    CHECK(served.get(log, served.buyer_key).status == 410);
    served.advance(limits::blob_retention - limits::log_retention);
    CHECK_FALSE(shown().available);
    CHECK(shown().dropped == served.clock);
    served.advance(limits::dropped_remembered);
    REQUIRE(served.store("other").ok());
    served.advance(limits::upload_life + limits::sweep_delay);  // the first drop is forgotten
    CHECK_FALSE(shown().available);
    CHECK_FALSE(shown().dropped.has_value());
    CHECK(served.get(log, served.buyer_key).status == 410);
    served.replay();
}

}  // namespace
}  // namespace shoal::market
