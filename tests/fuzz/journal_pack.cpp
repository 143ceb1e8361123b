// Any bytes as a packed segment, as they are and with the hash that fits them. What is accepted can
// be read to its end or is found to be damaged, and what is whole packs to the same rows.

#include "io/journal_pack.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/check.h"
#include "core/hash.h"
#include "io/journal_row.h"

namespace shoal::io {
namespace {

constexpr std::size_t hash_place = 16;
constexpr std::size_t rest_place = 48;

void read_all(const Pack& pack) {
    const PackFacts& facts = pack.facts();
    Packer again(facts.first);
    for (std::uint64_t after = facts.first - 1; after < facts.last;) {
        const auto rows = pack.read(after, 1'000);
        if (!rows.ok()) return;
        check(!rows.value().empty());
        for (const Row& row : rows.value()) {
            check(is_sound(row) && row.sequence == ++after);
            again.add(row);
        }
    }
    const auto file = std::move(again).finish();
    if (file.ok()) check(Pack::decode(file.value()).ok());
}

void run(std::string_view bytes) {
    const auto plain = Pack::decode(std::string(bytes));
    if (plain.ok()) read_all(plain.value());
    if (bytes.size() < rest_place) return;
    std::string right(bytes);
    const Hash hash = sha256(bytes.substr(rest_place));
    std::ranges::copy(hash.bytes, right.begin() + hash_place);
    const auto pack = Pack::decode(right);
    if (pack.ok()) read_all(pack.value());
}

}  // namespace
}  // namespace shoal::io

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    shoal::io::run({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
