// Any bytes as what a market answers, for the commands that read it: refused, or read and printed
// soundly. What was read once is read again, strictly, as the same.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "core/json.h"
#include "core/limits.h"
#include "protocol/api.h"
#include "protocol/api_market.h"

namespace shoal::protocol {
namespace {

template <class T>
void read_as(const json::Value& value) {
    const auto answer = json::read<T>(value, json::Reader::tolerant);
    if (!answer.ok()) return;
    const json::Value written = json::write(answer.value());
    const auto again = json::read<T>(written, json::Reader::strict);
    check(again.ok() && json::print(again.value()) == json::print(written));
}

constexpr std::array kinds{
    read_as<Problem>,  read_as<Health>,        read_as<AccountPage>,  read_as<KeyPage>,
    read_as<Books>,    read_as<StatementPage>, read_as<JobPage>,      read_as<TaskPage>,
    read_as<Quote>,    read_as<AttemptPage>,   read_as<ArtifactPage>, read_as<JobWhy>,
    read_as<BlobView>, read_as<MetricsView>,   read_as<MarketView>,   read_as<ProviderPage>,
    read_as<FeedItem>, read_as<ProviderWhy>,
};

/// The first byte says what was asked for.
void run(std::string_view bytes) {
    if (bytes.empty()) return;
    const auto value = json::parse(bytes.substr(1), limits::body_bytes);
    if (!value.ok()) return;
    kinds.at(static_cast<std::uint8_t>(bytes[0]) % kinds.size())(value.value());
}

}  // namespace
}  // namespace shoal::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    shoal::protocol::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
