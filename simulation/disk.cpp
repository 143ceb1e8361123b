#include "simulation/disk.h"

#include <iterator>
#include <utility>

namespace shoal::simulation {

void Disk::append(std::vector<protocol::Event> rows, Done done) {
    in_flight_ = std::move(rows);
    done_ = std::move(done);
    const bool is_slow = stage_.strikes(Fault::delay);
    const Duration wait = is_slow ? stage_.between(20, 3'000) : stage_.between(1, 8);
    stage_.later(wait, [this, write = ++writes_] {
        if (write == writes_ && done_) complete();
    });
}

void Disk::complete() {
    const Done done = std::exchange(done_, {});
    if (stage_.strikes(Fault::write_failed)) {
        keep(stage_.random().below(in_flight_.size() + 1));
        return done(Error{Code::unavailable, "the write failed"});
    }
    if (stage_.strikes(Fault::disk_full)) {
        full_until_ = stage_.now() + stage_.between(1'000, 600'000);
        in_flight_.clear();
        return done(Error{Code::exhausted, "the disk is full"});
    }
    constexpr std::uint64_t skipped = 40;
    if (stage_.has_bug(Bug::commit_skipped) && writes_ % skipped == 0) {
        promised_ += in_flight_.size();
        in_flight_.clear();
        return done(shoal::Done{});
    }
    keep(in_flight_.size());
    promised_ = whole_;
    done(shoal::Done{});
}

/// Of the batch in flight so many rows reach the medium; all of them make it whole.
void Disk::keep(std::size_t rows) {
    const bool all = rows == in_flight_.size();
    const auto end = std::next(in_flight_.begin(), static_cast<std::ptrdiff_t>(rows));
    rows_.insert(rows_.end(), std::make_move_iterator(in_flight_.begin()),
                 std::make_move_iterator(end));
    in_flight_.clear();
    if (all) whole_ = rows_.size();
}

void Disk::lose_writer() {
    if (!std::exchange(done_, {})) return;
    ++writes_;
    if (stage_.strikes(Fault::write_lost)) return in_flight_.clear();
    if (in_flight_.size() > 1 && stage_.strikes(Fault::write_torn)) {
        return keep(1 + stage_.random().below(in_flight_.size() - 1));
    }
    keep(in_flight_.size());
}

const std::vector<protocol::Event>& Disk::recover() {
    if (stage_.has_bug(Bug::torn_batch_kept)) whole_ = rows_.size();
    rows_.resize(whole_);
    return rows_;
}

void Disk::save_snapshot(std::uint64_t sequence, std::string text) {
    if (stage_.strikes(Fault::snapshot_damaged)) text.resize(stage_.random().below(text.size()));
    if (snapshots_.size() == 2) snapshots_.erase(snapshots_.begin());
    snapshots_.push_back({sequence, std::move(text)});
}

std::optional<Disk::Snapshot> Disk::load_snapshot() {
    for (auto written = snapshots_.rbegin(); written != snapshots_.rend(); ++written) {
        auto state = market::read_state(written->text);
        if (state.ok()) return Snapshot{written->sequence, std::move(state).value()};
        stage_.refused(state.error().code);
        if (state.error().code != Code::corrupt) {
            stage_.fail("a damaged snapshot is corrupt: " + state.error().what);
        }
    }
    return std::nullopt;
}

}  // namespace shoal::simulation
