#include "io/blobs_files.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"
#include "io/entropy.h"

namespace shoal::io {

namespace {

constexpr mode_t blob_mode = 0444;
constexpr std::size_t copy_size_bytes = std::size_t{64} << 20;

Error failure(std::string_view doing, const std::filesystem::path& path) {
    return system_error(std::string(doing) + " " + path.string(), errno);
}

Error wrong_size(std::uint64_t expected, std::uint64_t got) {
    return {Code::invalid,
            "blob: expected " + std::to_string(expected) + " bytes, got " + std::to_string(got)};
}

Result<struct stat> facts_of(const Descriptor& file) {
    struct stat facts{};
    if (::fstat(file.number(), &facts) != 0) return system_error("cannot look at a blob", errno);
    return facts;
}

Result<struct stat> facts_of(const std::filesystem::path& path) {
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) != 0) return failure("cannot look at", path);
    return facts;
}

Time changed(const struct stat& facts) {
    return Time{
        std::chrono::duration_cast<Duration>(std::chrono::seconds(facts.st_mtim.tv_sec) +
                                             std::chrono::nanoseconds(facts.st_mtim.tv_nsec))};
}

/// Opens the partial file and locks it; an upload that ended meanwhile has renamed it away.
Result<Descriptor> open_partial(const std::filesystem::path& path) {
    Descriptor file = TRY(open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
        return Error{Code::conflict, "another upload of this blob is under way"};
    }
    const struct stat opened = TRY(facts_of(file));
    const auto named = facts_of(path);
    if (!named.ok() || named.value().st_ino != opened.st_ino) {
        return Error{Code::conflict, "another upload of this blob ended just now"};
    }
    return file;
}

Status copy_chunks(const Descriptor& from, const Descriptor& to,
                   const std::function<Status()>& before_chunk) {
    ssize_t size = 1;
    while (size > 0) {
        TRY(before_chunk());
        size = ::copy_file_range(from.number(), nullptr, to.number(), nullptr, copy_size_bytes, 0);
    }
    // Some file systems cannot, and some (/proc) say there is nothing where there is.
    Bytes chunk(std::size_t{1} << 20);
    for (;;) {
        TRY(before_chunk());
        size = ::read(from.number(), chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return system_error("cannot read", errno);
        if (size == 0) return Done{};
        TRY(write_all(to, ByteView(chunk).first(static_cast<std::size_t>(size))));
    }
}

/// Removes a draft when it was not adopted.
class Draft {
public:
    explicit Draft(std::filesystem::path path) : path_(std::move(path)) {}
    ~Draft() { ::unlink(path_.c_str()); }  // after a rename there is nothing of this name
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace

class FileUpload final : public BlobUpload {
public:
    FileUpload(FileBlobs& store, Hash hash, std::uint64_t expected_size, Descriptor file)
        : store_(store), hash_(hash), expected_size_(expected_size), file_(std::move(file)) {}

    /// Hashes what an earlier upload left.
    Status resume() {
        const struct stat facts = TRY(facts_of(file_));
        if (static_cast<std::uint64_t>(facts.st_size) > expected_size_) {
            if (::ftruncate(file_.number(), 0) != 0)
                return system_error("cannot cut a blob", errno);
        }
        Bytes chunk(std::size_t{1} << 20);
        for (;;) {
            const ssize_t size = ::read(file_.number(), chunk.data(), chunk.size());
            if (size < 0 && errno == EINTR) continue;
            if (size < 0) return system_error("cannot read a blob", errno);
            if (size == 0) return Done{};
            sum_.update(ByteView(chunk).first(static_cast<std::size_t>(size)));
            size_ += static_cast<std::uint64_t>(size);
        }
    }

    std::uint64_t size() const override { return size_; }

    Status append(std::uint64_t offset, ByteView bytes) override {
        check(file_.is_open());
        if (offset != size_) {
            return Error{Code::conflict, "blob: expected bytes from offset " +
                                             std::to_string(size_) + ", got them from " +
                                             std::to_string(offset)};
        }
        if (bytes.size() > expected_size_ - size_) {
            return wrong_size(expected_size_, size_ + bytes.size());
        }
        const Status space = store_.check_space(bytes.size());
        if (!space.ok()) return space;
        const Status written = write_all(file_, bytes);
        if (!written.ok()) {
            // A part may have been written: what is not hashed must not stay.
            const bool cut = ::ftruncate(file_.number(), static_cast<off_t>(size_)) == 0 &&
                             ::lseek(file_.number(), 0, SEEK_END) >= 0;
            if (!cut) file_ = Descriptor();
            return written;
        }
        sum_.update(bytes);
        size_ += bytes.size();
        return Done{};
    }

    Status finish() override {
        check(file_.is_open());
        if (size_ != expected_size_) return wrong_size(expected_size_, size_);
        const auto partial = store_.partial_path(hash_);
        const Hash got = sum_.finish();
        if (got != hash_) {
            ::unlink(partial.c_str());
            return Error{Code::invalid,
                         "blob: expected sha256 " + to_string(hash_) + ", got " + to_string(got)};
        }
        return store_.adopt(file_, partial, hash_);
    }

private:
    FileBlobs& store_;
    Hash hash_;
    std::uint64_t expected_size_;
    Descriptor file_;
    Sha256 sum_;
    std::uint64_t size_ = 0;
};

FileBlobs::FileBlobs(std::filesystem::path folder, Options options)
    : folder_(std::move(folder)), options_(options) {}

Result<std::unique_ptr<FileBlobs>> FileBlobs::open(const std::filesystem::path& folder,
                                                   const Options& options) {
    for (const char* name : {"blobs", "partial"}) {
        const Status made = make_folder(folder / name);
        if (!made.ok()) return made.error();
    }
    std::unique_ptr<FileBlobs> store(new FileBlobs(folder, options));
    const Status swept = store->forget_unfinished();
    if (!swept.ok()) return swept.error();
    return store;
}

Result<std::unique_ptr<BlobUpload>> FileBlobs::begin(const Hash& hash,
                                                     std::uint64_t expected_size) {
    if (expected_size > options_.size_max) {
        return Error{Code::invalid, "blob: expected at most " + std::to_string(options_.size_max) +
                                        " bytes, got " + std::to_string(expected_size)};
    }
    if (size(hash).ok()) return Error{Code::conflict, "the blob is stored already"};
    const std::uint64_t present = std::min(partial_size(hash), expected_size);
    const Status space = check_space(expected_size - present);
    if (!space.ok()) return space.error();
    Descriptor file = TRY(open_partial(partial_path(hash)));
    auto upload = std::make_unique<FileUpload>(*this, hash, expected_size, std::move(file));
    const Status resumed = upload->resume();
    if (!resumed.ok()) return resumed.error();
    return std::unique_ptr<BlobUpload>(std::move(upload));
}

std::uint64_t FileBlobs::partial_size(const Hash& hash) const {
    const auto facts = facts_of(partial_path(hash));
    return facts.ok() ? static_cast<std::uint64_t>(facts.value().st_size) : 0;
}

Result<BlobFacts> FileBlobs::put_file(const std::filesystem::path& source) {
    const Descriptor from = TRY(open_file(source, O_RDONLY | O_NONBLOCK));
    const struct stat facts = TRY(facts_of(from));
    if (!S_ISREG(facts.st_mode)) {
        return Error{Code::invalid, source.string() + ": expected a regular file"};
    }
    if (static_cast<std::uint64_t>(facts.st_size) > options_.size_max) {
        return Error{Code::invalid, source.string() + ": expected at most " +
                                        std::to_string(options_.size_max) + " bytes, got " +
                                        std::to_string(facts.st_size)};
    }
    // The copy is hashed, not the source: that one may change while we look.
    const Draft draft(folder_ / "partial" / ("put-" + to_hex(ByteView(entropy()).first(16))));
    const Descriptor to = TRY(open_file(draft.path(), O_RDWR | O_CREAT | O_EXCL, 0600));
    if (::ioctl(to.number(), FICLONE, from.number()) != 0) {
        const Status copied = copy_chunks(from, to, [this] { return check_space(0); });
        if (!copied.ok()) return copied.error();
    }
    if (::lseek(to.number(), 0, SEEK_SET) != 0) return failure("cannot read", draft.path());
    const Hash hash = TRY(hash_rest(to));
    const struct stat copy = TRY(facts_of(to));
    const auto size_bytes = static_cast<std::uint64_t>(copy.st_size);
    if (size_bytes > options_.size_max) return wrong_size(options_.size_max, size_bytes);
    if (!size(hash).ok()) {
        const Status adopted = adopt(to, draft.path(), hash);
        if (!adopted.ok()) return adopted.error();
    }
    return BlobFacts{hash, size_bytes, changed(copy)};
}

Result<std::filesystem::path> FileBlobs::path(const Hash& hash) const {
    const std::uint64_t unused = TRY(size(hash));
    static_cast<void>(unused);
    return final_path(hash);
}

Result<std::uint64_t> FileBlobs::size(const Hash& hash) const {
    const auto facts = facts_of(final_path(hash));
    if (!facts.ok() && facts.error().code == Code::not_found) {
        return Error{Code::not_found, "no blob " + to_string(hash)};
    }
    if (!facts.ok()) return facts.error();
    return static_cast<std::uint64_t>(facts.value().st_size);
}

Status FileBlobs::remove(const Hash& hash) {
    const auto path = final_path(hash);
    if (::unlink(path.c_str()) == 0) return sync_folder(path.parent_path());
    if (errno == ENOENT) return Error{Code::not_found, "no blob " + to_string(hash)};
    return failure("cannot remove", path);
}

Result<std::vector<BlobFacts>> FileBlobs::list() const {
    std::vector<BlobFacts> blobs;
    std::error_code failed;
    std::filesystem::recursive_directory_iterator walk(folder_ / "blobs", failed);
    for (; !failed && walk != std::filesystem::end(walk); walk.increment(failed)) {
        const auto hash = parse_hash(walk->path().filename().string());
        if (!hash.ok() || walk->path() != final_path(hash.value())) continue;
        const auto facts = facts_of(walk->path());
        if (!facts.ok()) continue;  // removed meanwhile
        blobs.push_back({hash.value(), static_cast<std::uint64_t>(facts.value().st_size),
                         changed(facts.value())});
    }
    if (failed) return system_error("cannot list " + folder_.string(), failed.value());
    std::ranges::sort(blobs, {}, &BlobFacts::hash);
    return blobs;
}

std::filesystem::path FileBlobs::final_path(const Hash& hash) const {
    const std::string name = to_string(hash);
    return folder_ / "blobs" / name.substr(0, 2) / name.substr(2, 2) / name;
}

std::filesystem::path FileBlobs::partial_path(const Hash& hash) const {
    return folder_ / "partial" / to_string(hash);
}

Status FileBlobs::check_space(std::uint64_t more_bytes) const {
    const FreeSpace space = TRY(free_space(folder_));
    const std::uint64_t percent = space.total_bytes / 100 * options_.free_percent_min;
    const std::uint64_t floor = std::max(options_.free_min, percent);
    if (space.free_bytes >= floor && space.free_bytes - floor >= more_bytes) return Done{};
    const std::string wanted =
        more_bytes == 0 ? "" : ", and " + to_rounded(Size{more_bytes}) + " more are asked for";
    return Error{Code::exhausted,
                 "the market's disk is nearly full: " + to_rounded(Size{space.free_bytes}) +
                     " are free, " + to_rounded(Size{floor}) + " have to stay free" + wanted +
                     "; try again later, or let the operator make room"};
}

Status FileBlobs::adopt(const Descriptor& file, const std::filesystem::path& from,
                        const Hash& hash) {
    const auto to = final_path(hash);
    const Status made = make_folder(to.parent_path());
    if (!made.ok()) return made;
    if (::fchmod(file.number(), blob_mode) != 0) return failure("cannot set the mode of", from);
    if (::fsync(file.number()) != 0) return failure("cannot sync", from);
    if (::rename(from.c_str(), to.c_str()) != 0) return failure("cannot rename", from);
    const Status synced = sync_folder(to.parent_path());
    if (!synced.ok()) return synced;
    return sync_folder(folder_ / "partial");
}

Status FileBlobs::forget_unfinished() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const Time oldest{std::chrono::duration_cast<Duration>(now) - options_.partial_life};
    std::error_code failed;
    std::filesystem::directory_iterator walk(folder_ / "partial", failed);
    for (; !failed && walk != std::filesystem::end(walk); walk.increment(failed)) {
        const auto facts = facts_of(walk->path());
        if (!facts.ok() || changed(facts.value()) > oldest) continue;
        if (::unlink(walk->path().c_str()) != 0) return failure("cannot remove", walk->path());
    }
    if (failed) return system_error("cannot sweep " + folder_.string(), failed.value());
    return Done{};
}

}  // namespace shoal::io
