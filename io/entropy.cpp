#include "io/entropy.h"

#include <cerrno>
#include <cstddef>
#include <utility>

#include <sys/random.h>

#include "core/check.h"

namespace shoal::io {

namespace {

using Piece = std::array<std::uint8_t, 32>;
using Pieces = std::array<Piece, 8>;  // 256 bytes: up to these the kernel never gives a part

void fill(Pieces& pieces) {
    ssize_t size = -1;
    do {
        size = ::getrandom(pieces.data(), sizeof pieces, 0);
    } while (size < 0 && errno == EINTR);
    check(size == static_cast<ssize_t>(sizeof pieces));
}

}  // namespace

std::array<std::uint8_t, 32> entropy() {
    thread_local Pieces pieces;
    thread_local std::size_t left = 0;
    if (left == 0) {
        fill(pieces);
        left = pieces.size();
    }
    return std::exchange(pieces[--left], Piece{});  // what was given out is not kept
}

}  // namespace shoal::io
