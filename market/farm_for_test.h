#pragma once

// Machines that are alike, and jobs for them, for tests of who gets work.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "market/world_for_test.h"

namespace shoal::market {

inline protocol::JobSpec one_core(std::int64_t tasks) {
    protocol::JobSpec spec = simple_job(tasks, 1'000'000);
    spec.resources = {1, 1_GiB, 1_GiB, {}};
    return spec;
}

/// So many machines of `cores`, each for as many attempts.
struct Farm : World {
    /// Time passes, and every attempt's provider is there.
    void stay(Duration time) {
        for (const Time end = clock + time; clock < end;) {
            for (const LeaseId lease : live()) {
                const ProviderId at = market.state().attempts.at(lease).provider;
                CHECK(hear(at, protocol::session::Alive{{lease}, false}).ok());
            }
            advance(std::min<Duration>(std::chrono::seconds{10}, end - clock));
        }
    }

    explicit Farm(std::uint32_t cores, int machines = 1) {
        for (int i = 0; i < machines; ++i) ids.push_back(provider(cores, core_price(100), cores));
    }

    AccountId rich(const std::string& name) {
        const AccountId id = account();
        CHECK(market.issue_credit(id, Lamports{wealth}, name, moment(), batch).ok());
        flush();
        return id;
    }

    JobId submit_for(AccountId buyer, protocol::JobSpec spec) {
        const auto job = market.submit(buyer, std::move(spec), moment(), batch);
        flush();
        return job.value();
    }

    std::uint64_t leased(JobId id) const {
        return static_cast<std::uint64_t>(std::ranges::count_if(job(id).tasks, [&](TaskId task) {
            return market.state().tasks.at(task).state == protocol::TaskState::leased;
        }));
    }

    std::vector<ProviderId> ids;
};

}  // namespace shoal::market
