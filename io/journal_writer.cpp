#include "io/journal_writer.h"

#include <tuple>
#include <utility>

#include <pthread.h>

#include "core/check.h"

namespace shoal::io {

JournalWriter::JournalWriter(Journal& journal) : journal_(journal), thread_([this] { work(); }) {}

JournalWriter::~JournalWriter() {
    {
        const Lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void JournalWriter::submit(Batch batch, Callback done) {
    {
        const Lock lock(mutex_);
        check(!in_flight_ && !stopping_);
        in_flight_ = true;
        order_ = Order{std::move(batch), std::move(done)};
    }
    changed_.notify_all();
}

void JournalWriter::work() {
    std::ignore = pthread_setname_np(pthread_self(), "journal");
    while (const auto order = next_order()) finish(*order);
}

std::optional<JournalWriter::Order> JournalWriter::next_order() {
    Lock lock(mutex_);
    while (!order_ && !stopping_) lock.wait(changed_);
    return std::exchange(order_, std::nullopt);
}

void JournalWriter::finish(const Order& order) {
    const Status status = journal_.append(order.batch.rows, order.batch.side);
    {
        const Lock lock(mutex_);
        in_flight_ = false;
    }
    order.done(status);
}

}  // namespace shoal::io
