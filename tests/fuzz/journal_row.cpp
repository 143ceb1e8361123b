// Any bytes as a row of the journal, with its own digest and with the right one, and as the file
// of a snapshot. What is accepted is sound, and is accepted again.

#include "io/journal_row.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/check.h"
#include "io/journal_snapshots.h"

namespace shoal::io {
namespace {

/// The bytes cut up: sequence, time, the name's length, digest, name, body.
StoredRow cut(std::string_view bytes) {
    StoredRow row;
    std::memcpy(&row.sequence, bytes.data(), 8);
    std::memcpy(&row.time_ms, bytes.data() + 8, 8);
    const std::size_t name_size = static_cast<std::uint8_t>(bytes[16]);
    row.digest = as_bytes(bytes.substr(17, 32));
    row.name = bytes.substr(49, name_size);
    row.body = bytes.substr(49 + row.name.size());
    return row;
}

void run(std::string_view bytes) {
    const auto snapshot = decode_snapshot(bytes);
    if (snapshot.ok()) check(encode_snapshot(snapshot.value()) == bytes);
    if (bytes.size() < 49) return;

    StoredRow stored = cut(bytes);
    const auto sequence = static_cast<std::uint64_t>(stored.sequence);
    const auto row = read_row(stored, sequence);
    if (row.ok()) check(is_sound(row.value()) && row.value().sequence == sequence);

    const Row again{sequence, Time{Duration{stored.time_ms}}, std::string(stored.name),
                    std::string(stored.body)};
    const Hash digest = row_digest(again);
    stored.digest = digest.bytes;
    const auto signed_row = read_row(stored, sequence);
    check(signed_row.ok() == (stored.sequence > 0 && is_sound(again)));
    check(!read_row(stored, sequence + 1).ok());
}

}  // namespace
}  // namespace shoal::io

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::io::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
