#include "io/journal_pack.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <zstd.h>

#include "core/check.h"
#include "io/files.h"
#include "io/journal_row.h"

namespace shoal::io {

namespace {

constexpr std::string_view magic = "shoal segment 1\n";
constexpr std::size_t hash_size = 32;
constexpr std::size_t entry_size = 3 * 4;  // of a block: its rows, its size, its size unpacked
constexpr std::size_t row_head_size = 8 + 4 + 4;
constexpr std::size_t block_size = std::size_t{1} << 20;  // a block is closed when it has as much
constexpr std::size_t block_size_max =
    block_size + row_head_size + row_name_size_max + row_body_size_max;
constexpr std::size_t answer_size_max = std::size_t{16} << 20;
constexpr int level = 9;  // nobody waits for it, and it is kept for months

void put(std::string& text, std::uint64_t number, int size) {
    for (int i = 0; i < size; ++i) text.push_back(static_cast<char>(number >> (8 * i) & 0xFF));
}

/// Numbers and pieces of bytes, from the front; nothing when they are used up.
class Cursor {
public:
    explicit Cursor(std::string_view text) : text_(text) {}

    std::optional<std::string_view> take(std::size_t size) {
        if (text_.size() < size) return std::nullopt;
        const std::string_view taken = text_.substr(0, size);
        text_.remove_prefix(size);
        return taken;
    }
    std::optional<std::uint64_t> number(std::size_t size) {
        const auto bytes = take(size);
        if (!bytes) return std::nullopt;
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < size; ++i) {
            value |= std::uint64_t{static_cast<std::uint8_t>((*bytes)[i])} << (8 * i);
        }
        return value;
    }
    bool is_empty() const { return text_.empty(); }

private:
    std::string_view text_;
};

Error damaged(std::string_view what) {
    return {Code::corrupt, "packed segment: " + std::string(what)};
}

Time time_of(std::uint64_t milliseconds) {
    return Time{Duration{static_cast<std::int64_t>(milliseconds)}};
}

/// A row of a block, if the bytes go on with one.
std::optional<Row> take_row(Cursor& bytes, std::uint64_t sequence) {
    const auto time = bytes.number(8);
    const auto name_size = bytes.number(4);
    const auto body_size = bytes.number(4);
    if (!time || !name_size || !body_size) return std::nullopt;
    if (*name_size > row_name_size_max || *body_size > row_body_size_max) return std::nullopt;
    const auto name = bytes.take(*name_size);
    const auto body = bytes.take(*body_size);
    if (!name || !body) return std::nullopt;
    Row row{sequence, time_of(*time), std::string(*name), std::string(*body)};
    if (!is_sound(row)) return std::nullopt;
    return row;
}

}  // namespace

struct Packer::State {
    std::uint64_t first = 0;
    std::uint64_t next = 0;
    Time last_time{};
    std::string open_block;
    std::uint32_t open_rows = 0;
    std::uint64_t block_count = 0;
    std::string entries;
    std::string payload;

    void close_block() {
        if (open_rows == 0) return;
        std::string packed(ZSTD_compressBound(open_block.size()), '\0');
        const std::size_t size = ZSTD_compress(packed.data(), packed.size(), open_block.data(),
                                               open_block.size(), level);
        check(ZSTD_isError(size) == 0);
        put(entries, open_rows, 4);
        put(entries, size, 4);
        put(entries, open_block.size(), 4);
        payload.append(packed, 0, size);
        ++block_count;
        open_block.clear();
        open_rows = 0;
    }
};

Result<PackFacts> read_pack_facts(std::string_view head) {
    Cursor bytes(head);
    if (bytes.take(magic.size()) != magic) return damaged("it does not begin as one");
    const auto hash = bytes.take(hash_size);
    const auto first = bytes.number(8);
    const auto last = bytes.number(8);
    const auto last_time = bytes.number(8);
    if (!hash || !first || !last || !last_time) return damaged("it is cut short");
    if (*first == 0 || *last < *first || *last > INT64_MAX || *last_time > INT64_MAX) {
        return damaged("it names no range of events");
    }
    PackFacts facts{*first, *last, time_of(*last_time), {}};
    std::ranges::copy(as_bytes(*hash), facts.hash.bytes.begin());
    return facts;
}

Packer::Packer(std::uint64_t first) : state_(std::make_unique<State>()) {
    check(first > 0);
    state_->first = first;
    state_->next = first;
}

Packer::~Packer() = default;

void Packer::add(const Row& row) {
    check(row.sequence == state_->next && is_sound(row));
    std::string& block = state_->open_block;
    put(block, static_cast<std::uint64_t>(row.time.time_since_epoch().count()), 8);
    put(block, row.name.size(), 4);
    put(block, row.body.size(), 4);
    block += row.name;
    block += row.body;
    ++state_->open_rows;
    ++state_->next;
    state_->last_time = std::max(state_->last_time, row.time);
    if (block.size() >= block_size) state_->close_block();
}

std::uint64_t Packer::next_sequence() const {
    return state_->next;
}

Result<std::string> Packer::finish() && {
    check(state_->next > state_->first);
    state_->close_block();
    std::string rest;
    put(rest, state_->first, 8);
    put(rest, state_->next - 1, 8);
    put(rest, static_cast<std::uint64_t>(state_->last_time.time_since_epoch().count()), 8);
    put(rest, state_->block_count, 8);
    rest += state_->entries;
    rest += state_->payload;
    state_->payload.clear();
    if (rest.size() + magic.size() + hash_size > pack_size_max) {
        return Error{Code::exhausted, "a packed segment would be too big"};
    }
    const Hash hash = sha256(rest);
    std::string file(magic);
    file.append(hash.bytes.begin(), hash.bytes.end());
    file += rest;
    return file;
}

Result<Pack> Pack::decode(std::string file) {
    Pack pack;
    pack.facts_ = TRY(read_pack_facts(file));
    const std::string_view rest = std::string_view(file).substr(magic.size() + hash_size);
    if (sha256(rest) != pack.facts_.hash) return damaged("it changed since it was written");
    pack.file_ = std::move(file);
    const Status indexed = pack.index();
    if (!indexed.ok()) return indexed.error();
    return pack;
}

Result<Pack> Pack::open(const std::filesystem::path& path) {
    auto pack = decode(TRY(read_file(path, pack_size_max)));
    if (pack.ok()) return pack;
    return Error{pack.error().code, path.string() + ": " + pack.error().what};
}

Status Pack::index() {
    Cursor head(std::string_view(file_).substr(pack_head_size - 8));
    const auto count = head.number(8);
    if (!count || *count > (file_.size() - pack_head_size) / entry_size) {
        return damaged("its blocks do not fit it");
    }
    std::size_t offset = pack_head_size + *count * entry_size;
    std::uint64_t next = facts_.first;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto rows = static_cast<std::uint32_t>(*head.number(4));
        const auto size = static_cast<std::size_t>(*head.number(4));
        const auto unpacked = static_cast<std::uint32_t>(*head.number(4));
        const bool fits = size <= file_.size() - offset && unpacked <= block_size_max && rows > 0 &&
                          rows <= unpacked / row_head_size && rows <= facts_.last - next + 1;
        if (!fits) return damaged("a block does not fit it");
        blocks_.push_back({next, rows, unpacked, offset, size});
        offset += size;
        next += rows;
    }
    if (offset != file_.size() || next != facts_.last + 1) {
        return damaged("its blocks are not what it says");
    }
    return Done{};
}

Result<std::vector<Row>> Pack::read(std::uint64_t after_sequence, std::size_t limit) const {
    std::vector<Row> rows;
    if (after_sequence >= facts_.last) return rows;
    const std::uint64_t from = std::max(after_sequence + 1, facts_.first);
    auto block = std::ranges::upper_bound(blocks_, from, {}, &Block::first);
    std::size_t size = 0;
    for (--block; block != blocks_.end() && size < answer_size_max; ++block) {
        auto some = TRY(rows_of(*block));
        for (Row& row : some) {
            if (row.sequence < from) continue;
            if (rows.size() == limit) return rows;
            size += row.body.size();
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

Result<std::vector<Row>> Pack::rows_of(const Block& block) const {
    const std::string_view packed = std::string_view(file_).substr(block.offset, block.size);
    std::string bytes(block.unpacked_size, '\0');
    // Into so many bytes as were announced: what would unpack to more is an error.
    const std::size_t size =
        ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size());
    if (ZSTD_isError(size) != 0 || size != bytes.size()) return damaged("a block is damaged");
    std::vector<Row> rows;
    rows.reserve(block.rows);
    Cursor rest(bytes);
    for (std::uint32_t i = 0; i < block.rows; ++i) {
        auto row = take_row(rest, block.first + i);
        if (!row) {
            return damaged("event " + std::to_string(block.first + i) + " is damaged");
        }
        rows.push_back(*std::move(row));
    }
    if (!rest.is_empty()) return damaged("a block holds more than its events");
    return rows;
}

}  // namespace shoal::io
