#include "protocol/session.h"

#include "core/limits.h"

namespace shoal::protocol::session {

namespace {

Result<json::Value> parse_frame(std::string_view text) {
    return json::parse(text, limits::message_bytes);
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
    return json::print(frame);
}

std::string print(const FromMarket& message) {
    return json::print(message);
}

Result<ProviderFrame> read_provider_frame(std::string_view text) {
    const json::Value value = TRY(parse_frame(text));
    const auto* frame = value.if_object();
    if (frame && !frame->contains("message")) return Error{Code::invalid, "message: missing"};
    return json::read<ProviderFrame>(value, json::Reader::tolerant);
}

Result<FromMarket> read_market_frame(std::string_view text) {
    return json::read<FromMarket>(TRY(parse_frame(text)), json::Reader::tolerant);
}

}  // namespace shoal::protocol::session
