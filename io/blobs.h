#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "core/bytes.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/result.h"
#include "core/time.h"

namespace shoal::io {

/// A blob on its way in. Bytes arrive in order; what has arrived is kept when the upload is
/// dropped before its end, so that a later one goes on from there.
class BlobUpload {
public:
    BlobUpload() = default;
    BlobUpload(const BlobUpload&) = delete;
    BlobUpload& operator=(const BlobUpload&) = delete;
    virtual ~BlobUpload() = default;

    /// What has arrived.
    virtual std::uint64_t size() const = 0;

    /// conflict: the offset is not size(). invalid: more than was announced. exhausted: the disk
    /// is nearly full.
    virtual Status append(std::uint64_t offset, ByteView bytes) = 0;

    /// Stores the blob, durably. invalid: another size (what has arrived is kept) or another hash
    /// (what has arrived is removed) than was announced. Nothing may be called after it.
    virtual Status finish() = 0;
};

struct BlobFacts {
    Hash hash;
    std::uint64_t size_bytes = 0;
    Time stored{};
};

/// Bytes by their SHA-256. All calls may block on the disk: not for the thread that decides.
class BlobStore {
public:
    BlobStore() = default;
    BlobStore(const BlobStore&) = delete;
    BlobStore& operator=(const BlobStore&) = delete;
    virtual ~BlobStore() = default;

    /// Goes on with what an earlier upload of this blob left. invalid: above the size limit.
    /// conflict: the blob is stored already, or another upload of it is under way.
    /// exhausted: the disk is nearly full, or would be.
    virtual Result<std::unique_ptr<BlobUpload>> begin(const Hash& hash,
                                                      std::uint64_t expected_size) = 0;

    /// What an unfinished upload of it left, zero if there is none.
    virtual std::uint64_t partial_size(const Hash& hash) const = 0;

    /// Copies a file of this machine into the store. Errors as begin() and of the file; a blob
    /// that is there already is no error.
    virtual Result<BlobFacts> put_file(const std::filesystem::path& source) = 0;

    /// Where its bytes can be read. not_found: not stored.
    virtual Result<std::filesystem::path> path(const Hash& hash) const = 0;
    virtual Result<std::uint64_t> size(const Hash& hash) const = 0;

    /// not_found: not stored.
    virtual Status remove(const Hash& hash) = 0;

    /// All blobs, ordered by hash.
    virtual Result<std::vector<BlobFacts>> list() const = 0;

    /// Removes unfinished uploads that nobody has touched for a while.
    virtual Status forget_unfinished() = 0;

    /// The one guard of the disk, for uploads and for all else that makes the market grow.
    /// exhausted: with so many more bytes too little would stay free; says how much is free, how
    /// much has to be, and what to do.
    virtual Status check_space(std::uint64_t more_bytes) const = 0;
};

}  // namespace shoal::io
