#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "engine/index.h"

namespace shoal::engine {

/// The threads of the process that compute.
///
/// Work is a number of tiles that the work's shape alone decides; threads claim them one by one, so
/// a thread that loses its core delays one tile. Which thread does which tile changes no bit, since
/// tiles write different results. One thread calls; what a tile itself hands to the pool runs on
/// the spot, under the slot of its tile.
class Pool {
public:
    /// So many threads compute, the caller among them. One starts none.
    explicit Pool(int threads);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    /// Calls work(tile, slot) for each tile from 0 to count - 1 and returns when all have ended. No
    /// two calls have the same slot at the same time; slots are below threads().
    template <class Work>
    void run(Index count, const Work& work) {
        const auto call = [](const void* context, Index tile, int slot) {
            (*static_cast<const Work*>(context))(tile, slot);
        };
        Job job{call, &work, count};
        run_tiles(job);
    }

private:
    struct Job {
        void (*call)(const void* context, Index tile, int slot);
        const void* context;
        Index count;
        std::atomic<Index> next{0};

        void work(int slot);
    };

    void run_tiles(Job&);
    void live(int slot);
    void help(int slot);

    std::atomic<Job*> job_{nullptr};
    std::atomic<std::uint32_t> offered_{0};  // counts jobs; workers sleep on it
    std::atomic<int> inside_{0};             // workers that may hold a job
    std::atomic<bool> ends_{false};
    std::vector<std::thread> workers_;
};

}  // namespace shoal::engine
