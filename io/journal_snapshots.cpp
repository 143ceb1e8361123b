#include "io/journal_snapshots.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string>
#include <utility>

#include "core/hash.h"
#include "io/files.h"
#include "io/journal_files.h"

namespace shoal::io {

namespace {

constexpr std::string_view prefix = "snapshot-";
constexpr std::string_view base_prefix = "base-";
constexpr std::string_view magic = "shoal snapshot 1\n";
constexpr std::size_t kept_count = 2;
constexpr std::size_t head_size = magic.size() + 8 + 8 + 8 + 32;

std::string little_endian(std::uint64_t number) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(number >> (8 * i) & 0xFF));
    return bytes;
}

std::uint64_t from_little_endian(std::string_view bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        number |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
    }
    return number;
}

Hash digest_of(std::uint64_t sequence, std::uint64_t format, ByteView bytes) {
    CanonicalWriter writer("shoal snapshot", 1);
    writer.number(sequence).number(format);
    Sha256 sum;
    sum.update(writer.written());
    sum.update(bytes);
    return sum.finish();
}

/// The numbers behind this prefix of names, the highest first.
std::vector<std::uint64_t> numbered(const std::filesystem::path& folder,
                                    std::string_view name_prefix) {
    std::vector<std::uint64_t> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(name_prefix)) continue;
        std::uint64_t sequence = 0;
        const char* end = name.data() + name.size();
        const auto read = std::from_chars(name.data() + name_prefix.size(), end, sequence);
        if (read.ec == std::errc{} && read.ptr == end) found.push_back(sequence);
    }
    std::ranges::sort(found, std::greater{});
    return found;
}

}  // namespace

std::string encode_snapshot(const Snapshot& snapshot) {
    const Hash digest = digest_of(snapshot.sequence, snapshot.format, snapshot.bytes);
    std::string file(magic);
    file.reserve(head_size + snapshot.bytes.size());
    file += little_endian(snapshot.sequence) + little_endian(snapshot.format);
    file += little_endian(snapshot.bytes.size());
    file.append(digest.bytes.begin(), digest.bytes.end());
    file.append(snapshot.bytes.begin(), snapshot.bytes.end());
    return file;
}

Result<Snapshot> decode_snapshot(std::string_view file) {
    const Error damaged{Code::corrupt, "snapshot: changed since it was written, or cut short"};
    if (file.size() < head_size || !file.starts_with(magic)) return damaged;
    std::string_view head = file.substr(magic.size());
    const std::uint64_t sequence = from_little_endian(head.substr(0, 8));
    const std::uint64_t format = from_little_endian(head.substr(8, 8));
    const std::uint64_t size = from_little_endian(head.substr(16, 8));
    const ByteView digest = as_bytes(head.substr(24, 32));
    const ByteView bytes = as_bytes(file.substr(head_size));
    if (size != bytes.size() || format > UINT32_MAX) return damaged;
    if (!std::ranges::equal(digest_of(sequence, format, bytes).bytes, digest)) return damaged;
    return Snapshot{sequence, static_cast<std::uint32_t>(format),
                    Bytes(bytes.begin(), bytes.end())};
}

SnapshotFiles::SnapshotFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

Status SnapshotFiles::save(const Snapshot& snapshot) const {
    const Status written = write_file(path_of(snapshot.sequence), encode_snapshot(snapshot), 0600);
    if (!written.ok()) return written;
    const auto all = sequences();
    for (std::size_t i = kept_count; i < all.size(); ++i) {
        std::error_code ignored;  // one that cannot be removed now is removed after the next save
        std::filesystem::remove(path_of(all[i]), ignored);
    }
    return Done{};
}

Status SnapshotFiles::save_base(const Snapshot& snapshot) const {
    return write_file(path_of_base(snapshot.sequence), encode_snapshot(snapshot), 0600);
}

Status SnapshotFiles::drop_older_bases() const {
    const auto all = numbered(folder_, base_prefix);
    for (std::size_t i = 1; i < all.size(); ++i) {
        const Status removed = remove_file(path_of_base(all[i]));
        if (!removed.ok()) return removed;
    }
    return Done{};
}

Result<FoundSnapshot> SnapshotFiles::load(std::uint64_t at_most) const {
    std::vector<std::pair<std::uint64_t, std::filesystem::path>> candidates;
    for (const std::uint64_t one : sequences()) candidates.emplace_back(one, path_of(one));
    for (const std::uint64_t one : numbered(folder_, base_prefix)) {
        candidates.emplace_back(one, path_of_base(one));
    }
    std::ranges::sort(candidates, std::greater{});
    FoundSnapshot found;
    for (const auto& [sequence, path] : candidates) {
        if (sequence > at_most) continue;
        const std::string file = TRY(read_file(path, snapshot_size_max + head_size));
        auto snapshot = decode_snapshot(file);
        if (snapshot.ok() && snapshot.value().sequence == sequence) {
            found.snapshot = std::move(snapshot).value();
            return found;
        }
        found.damaged.push_back(path.string());
    }
    return found;
}

std::vector<std::uint64_t> SnapshotFiles::sequences() const {
    return numbered(folder_, prefix);
}

std::optional<std::uint64_t> SnapshotFiles::base() const {
    const auto all = numbered(folder_, base_prefix);
    if (all.empty()) return std::nullopt;
    return all.front();
}

std::filesystem::path SnapshotFiles::path_of(std::uint64_t sequence) const {
    return folder_ / (std::string(prefix) + std::to_string(sequence));
}

std::filesystem::path SnapshotFiles::path_of_base(std::uint64_t sequence) const {
    return folder_ / (std::string(base_prefix) + std::to_string(sequence));
}

}  // namespace shoal::io
