#pragma once

#include <condition_variable>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "io/journal.h"
#include "io/mutex.h"

namespace shoal::io {

/// What becomes durable together.
struct Batch {
    std::vector<Row> rows;
    std::vector<SideWrite> side;
};

/// The thread that writes the journal: while it commits one batch, its owner fills the next.
class JournalWriter {
public:
    using Callback = std::function<void(Status)>;

    /// The journal must outlive the writer.
    explicit JournalWriter(Journal& journal);

    /// Waits for the batch in flight, and for its callback.
    ~JournalWriter();
    JournalWriter(const JournalWriter&) = delete;
    JournalWriter& operator=(const JournalWriter&) = delete;

    /// Only when no batch is in flight: one is until just before its callback is called. The
    /// callback is called on the writer's thread, once, when the batch is durable or has failed.
    void submit(Batch batch, Callback done);

private:
    struct Order {
        Batch batch;
        Callback done;
    };

    void work();
    std::optional<Order> next_order();
    void finish(const Order& order);

    Journal& journal_;
    Mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<Order> order_ __attribute__((guarded_by(mutex_)));
    bool in_flight_ __attribute__((guarded_by(mutex_))) = false;
    bool stopping_ __attribute__((guarded_by(mutex_))) = false;
    std::thread thread_;
};

}  // namespace shoal::io
