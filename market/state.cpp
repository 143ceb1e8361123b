#include "market/state.h"

#include <utility>

namespace shoal::market {

namespace {

constexpr std::size_t snapshot_size_max = std::size_t{4} << 30;

}  // namespace

std::string write_state(const State& state) {
    return json::print(state);
}

Result<State> read_state(std::string_view text) {
    const auto value = json::parse(text, snapshot_size_max);
    if (!value.ok()) return Error{Code::corrupt, value.error().what};
    auto state = json::read<State>(value.value(), json::Reader::tolerant);
    if (!state.ok()) return Error{Code::corrupt, state.error().what};
    State whole = std::move(state).value();
    // Early snapshots do not say when a blob was stored: then its time begins with them.
    for (auto& [hash, blob] : whole.blobs) {
        for (const AccountId account : blob.accounts) {
            blob.uploaded.try_emplace(account, whole.now);
        }
    }
    return whole;
}

Hash state_hash(const State& state) {
    return sha256(write_state(state));
}

}  // namespace shoal::market
