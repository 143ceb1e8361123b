#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.h"
#include "io/journal.h"

namespace shoal::io {

/// What a pack says of itself in its first bytes.
struct PackFacts {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    Time last_time{};
    Hash hash;  // of all that stands behind it in the file

    friend bool operator==(const PackFacts&, const PackFacts&) = default;
};

inline constexpr std::size_t pack_head_size = 16 + 32 + 4 * 8;
inline constexpr std::uint64_t pack_size_max = std::uint64_t{2} << 30;

/// corrupt: these are not the first bytes of a pack. That its hash is right only decode() knows.
Result<PackFacts> read_pack_facts(std::string_view head);

/// Makes a pack: a closed segment, compressed in blocks that can be read one by one.
class Packer {
public:
    explicit Packer(std::uint64_t first);
    ~Packer();

    /// The rows must follow each other, and the first must be the one it was made for.
    void add(const Row& row);

    std::uint64_t next_sequence() const;

    /// The whole file; of at least one row. exhausted: it would be above pack_size_max.
    Result<std::string> finish() &&;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A pack in memory, compressed, its hash checked. Rows are unpacked as they are asked for.
class Pack {
public:
    /// corrupt: changed since it was written, cut short, or at odds with itself. What it was made
    /// of is not trusted: no length in it makes us read or allocate more than limits allow.
    static Result<Pack> decode(std::string file);

    /// Errors of read_file and of decode.
    static Result<Pack> open(const std::filesystem::path& path);

    const PackFacts& facts() const { return facts_; }

    /// At most `limit` rows after this one, in order; less if they are big, none at the end.
    /// corrupt: a block that holds something else than its rows.
    Result<std::vector<Row>> read(std::uint64_t after_sequence, std::size_t limit) const;

private:
    struct Block {
        std::uint64_t first = 0;
        std::uint32_t rows = 0;
        std::uint32_t unpacked_size = 0;
        std::size_t offset = 0;
        std::size_t size = 0;
    };

    Status index();
    Result<std::vector<Row>> rows_of(const Block& block) const;

    std::string file_;
    PackFacts facts_;
    std::vector<Block> blocks_;
};

}  // namespace shoal::io
