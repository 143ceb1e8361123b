#pragma once

#include "io/blobs.h"
#include "io/files.h"

namespace shoal::io {

/// Blobs as read-only files: FOLDER/blobs/12/34/1234…, the unfinished ones in FOLDER/partial.
/// A name in blobs/ appears only when all its bytes are on the disk. Safe for several threads.
class FileBlobs final : public BlobStore {
public:
    struct Options {
        std::uint64_t size_max = limits::blob.bytes;
        std::uint64_t free_min = limits::disk_free_min.bytes;
        std::uint64_t free_percent_min = limits::disk_free_percent_min;
        Duration partial_life = limits::sweep_delay;
    };

    /// Makes the folders, and removes unfinished uploads that nobody has touched for a while.
    static Result<std::unique_ptr<FileBlobs>> open(const std::filesystem::path& folder,
                                                   const Options& options);

    Result<std::unique_ptr<BlobUpload>> begin(const Hash& hash,
                                              std::uint64_t expected_size) override;
    std::uint64_t partial_size(const Hash& hash) const override;
    Result<BlobFacts> put_file(const std::filesystem::path& source) override;
    Result<std::filesystem::path> path(const Hash& hash) const override;
    Result<std::uint64_t> size(const Hash& hash) const override;
    Status remove(const Hash& hash) override;
    Result<std::vector<BlobFacts>> list() const override;
    Status forget_unfinished() override;

    /// What has to stay free is the larger of `free_min` and `free_percent_min` of the disk.
    Status check_space(std::uint64_t more_bytes) const override;

private:
    friend class FileUpload;

    FileBlobs(std::filesystem::path folder, Options options);

    std::filesystem::path final_path(const Hash& hash) const;
    std::filesystem::path partial_path(const Hash& hash) const;

    /// Moves a complete file to its name, durably.
    Status adopt(const Descriptor& file, const std::filesystem::path& from, const Hash& hash);

    std::filesystem::path folder_;
    Options options_;
};

}  // namespace shoal::io
