#include "protocol/session.h"

namespace shoal::protocol::session {

namespace {

constexpr std::size_t frame_size_max = 1 << 20;

template <class T>
Result<T> read_frame(std::string_view text) {
    const json::Value value = TRY(json::parse(text, frame_size_max));
    return json::read<T>(value, json::Reader::tolerant);
}

}  // namespace

Bytes challenge_bytes(const Challenge& challenge, const PublicKey& provider) {
    constexpr std::uint8_t version = 1;
    return CanonicalWriter("shoal.session", version)
        .text(challenge.market)
        .text(challenge.nonce)
        .bytes(provider.bytes)
        .written();
}

std::string print(const ProviderFrame& frame) {
    return json::print(json::write(frame));
}

std::string print(const FromMarket& message) {
    return json::print(json::write(message));
}

Result<ProviderFrame> read_provider_frame(std::string_view text) {
    return read_frame<ProviderFrame>(text);
}

Result<FromMarket> read_market_frame(std::string_view text) {
    return read_frame<FromMarket>(text);
}

}  // namespace shoal::protocol::session
