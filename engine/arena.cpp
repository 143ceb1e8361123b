#include "engine/arena.h"

#include <cstdlib>
#include <new>
#include <utility>

#include "core/check.h"

namespace shoal::engine {

namespace {

constexpr std::size_t alignment = 64;  // a cache line, and the widest vector

struct SizeClass {
    std::size_t index;
    std::size_t bytes;
};

/// The smallest class that holds so many bytes: 64 times 4, 5, 6 or 7 quarters of a power of two.
SizeClass class_of(std::size_t bytes) {
    const std::size_t lines = bytes <= 4 * alignment ? 4 : (bytes + alignment - 1) / alignment;
    std::size_t power = 0;
    while (lines >> power >= 8) ++power;
    const std::size_t quarters = (lines + (std::size_t{1} << power) - 1) >> power;  // 4 to 8
    return {4 * power + quarters - 4, (quarters << power) * alignment};
}

}  // namespace

// It lies in front of the bytes and has their alignment.
struct alignas(alignment) Buffer::Block {
    Arena* arena;
    Block* next_free;
    std::size_t size_class;
    std::size_t capacity_bytes;
    std::size_t holders;
};

Buffer::Buffer(const Buffer& other) : block_(other.block_) {
    if (block_ != nullptr) ++block_->holders;
}

Buffer::Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

Buffer& Buffer::operator=(const Buffer& other) {
    Buffer copy(other);
    std::swap(block_, copy.block_);
    return *this;
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    Buffer moved(std::move(other));
    std::swap(block_, moved.block_);
    return *this;
}

Buffer::~Buffer() {
    if (block_ != nullptr && --block_->holders == 0) block_->arena->put_back(block_);
}

std::byte* Buffer::bytes() const {
    check(block_ != nullptr);
    return reinterpret_cast<std::byte*>(block_ + 1);
}

Arena::~Arena() {
    check(use_.live_bytes == 0);  // a buffer outlives its arena
    trim();
}

Buffer Arena::take(std::size_t bytes) {
    const SizeClass size = class_of(bytes);
    Buffer::Block* block = free_[size.index];
    if (block != nullptr) {
        free_[size.index] = block->next_free;
    } else {
        void* memory = std::aligned_alloc(alignment, sizeof(Buffer::Block) + size.bytes);
        check(memory != nullptr);
        block = new (memory) Buffer::Block{this, nullptr, size.index, size.bytes, 0};
        use_.held_bytes += size.bytes;
        ++use_.system_requests;
    }
    block->holders = 1;
    use_.live_bytes += size.bytes;
    if (use_.live_bytes > use_.peak_bytes) use_.peak_bytes = use_.live_bytes;
    return Buffer(block);
}

void Arena::put_back(Buffer::Block* block) {
    use_.live_bytes -= block->capacity_bytes;
    block->next_free = free_[block->size_class];
    free_[block->size_class] = block;
}

void Arena::trim() {
    for (Buffer::Block*& first : free_) {
        while (first != nullptr) {
            Buffer::Block* block = std::exchange(first, first->next_free);
            use_.held_bytes -= block->capacity_bytes;
            std::free(block);
        }
    }
}

}  // namespace shoal::engine
