#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace shoal::engine {

class Arena;

/// Bytes of an arena, aligned to 64, which go back to it when the last handle is gone.
class Buffer {
public:
    Buffer() = default;
    Buffer(const Buffer&);
    Buffer(Buffer&&) noexcept;
    Buffer& operator=(const Buffer&);
    Buffer& operator=(Buffer&&) noexcept;
    ~Buffer();

    std::byte* bytes() const;
    explicit operator bool() const { return block_ != nullptr; }
    friend bool operator==(const Buffer&, const Buffer&) = default;

private:
    friend class Arena;
    struct Block;
    explicit Buffer(Block* block) : block_(block) {}

    Block* block_ = nullptr;
};

/// Memory that is taken from the system once and used again.
///
/// A buffer comes from the free list of its size class (four classes for each power of two, so at
/// most a quarter is waste) and goes back there. A training step that asks for the same sizes as
/// the one before takes nothing from the system. An arena and its buffers belong to one thread; it
/// outlives them. If the system has no memory left, the process ends.
class Arena {
public:
    struct Use {
        std::size_t live_bytes = 0;         // in buffers that somebody holds
        std::size_t peak_bytes = 0;         // the most that were live
        std::size_t held_bytes = 0;         // taken from the system: live or free
        std::uint64_t system_requests = 0;  // how often the system was asked
    };

    Arena() = default;
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    Buffer take(std::size_t bytes);

    /// Gives what is free back to the system.
    void trim();

    const Use& use() const { return use_; }

private:
    friend class Buffer;
    static constexpr std::size_t class_count = 192;
    void put_back(Buffer::Block*);

    std::array<Buffer::Block*, class_count> free_{};
    Use use_;
};

}  // namespace shoal::engine
