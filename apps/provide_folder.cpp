#include "apps/provide_folder.h"

#include <algorithm>
#include <array>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>

#include "core/json.h"
#include "core/limits.h"
#include "io/entropy.h"
#include "io/files.h"
#include "sandbox/attempt_files.h"

namespace shoal::apps {

namespace fs = std::filesystem;
using protocol::session::Order;

namespace {

constexpr std::uint64_t order_bytes_max = 4 * limits::message_bytes;

Status put_file(const fs::path& path, std::string_view text) {
    const auto file = TRY(io::open_file(path, O_WRONLY | O_CREAT | O_TRUNC));
    return io::write_all(file, as_bytes(text));
}

/// Gives the owner his rights back, so that a folder can be emptied whatever a job made of it.
void open_up(const fs::path& folder) {
    std::error_code ignored;
    fs::permissions(folder, fs::perms::owner_all, fs::perm_options::add, ignored);
    for (fs::recursive_directory_iterator
             at(folder, fs::directory_options::skip_permission_denied, ignored),
         end;
         !ignored && at != end; at.increment(ignored)) {
        std::error_code failed;
        if (!at->is_directory(failed) || at->is_symlink(failed)) continue;
        fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, failed);
    }
}

Result<provider::Found> read_found(const fs::path& folder) {
    const std::string text = TRY(io::read_file(folder / "order.json", order_bytes_max));
    const json::Value value = TRY(json::parse(text, order_bytes_max));
    Order order = TRY(json::read<Order>(value, json::Reader::tolerant));
    const protocol::AttemptSpec spec = TRY(sandbox::read_attempt(folder));
    if (to_string(order.lease) != folder.filename()) {
        return Error{Code::corrupt, "the order is another lease's"};
    }
    return provider::Found{std::move(order), spec.slot};
}

}  // namespace

Result<ProviderFolder> ProviderFolder::open(const fs::path& folder) {
    for (const char* name : {"attempts", "blobs", "trees", "fetch"}) {
        TRY(io::make_folder(folder / name));
    }
    return ProviderFolder(folder);
}

Result<SecretKey> ProviderFolder::identity() const {
    const fs::path path = folder_ / "identity.key";
    auto text = io::read_secret(path, 256);
    if (!text.ok() && text.error().code == Code::not_found) {
        TRY(io::write_secret(path, to_hex(io::entropy()) + "\n"));
        text = io::read_secret(path, 256);
    }
    const std::string written = TRY(std::move(text));
    const Bytes seed = TRY(from_hex(std::string_view(written).substr(0, written.find('\n'))));
    std::array<std::uint8_t, SecretKey::seed_size> bytes{};
    if (seed.size() != bytes.size()) {
        return Error{Code::corrupt, path.string() + ": expected 64 hexadecimal digits"};
    }
    std::ranges::copy(seed, bytes.begin());
    return SecretKey(bytes);
}

fs::path ProviderFolder::attempt(LeaseId lease) const {
    return folder_ / "attempts" / to_string(lease);
}

Status ProviderFolder::prepare(const Order& order, const protocol::AttemptSpec& spec) const {
    const fs::path folder = attempt(order.lease);
    if (::mkdir(folder.c_str(), 0700) != 0)
        return io::system_error("make " + folder.string(), errno);
    Order written = order;
    written.secrets.clear();
    TRY(put_file(folder / "order.json", json::print(written)));
    return put_file(folder / "attempt.json", json::print(spec));
}

void ProviderFolder::remove(LeaseId lease) const {
    const fs::path folder = attempt(lease);
    std::error_code failed;
    fs::remove_all(folder, failed);
    if (!failed) return;
    open_up(folder);
    fs::remove_all(folder, failed);
}

std::vector<provider::Found> ProviderFolder::found() const {
    std::vector<provider::Found> all;
    std::error_code failed;
    std::vector<fs::path> hollow;
    for (const auto& entry : fs::directory_iterator(folder_ / "attempts", failed)) {
        auto one = read_found(entry.path());
        if (one.ok()) {
            all.push_back(std::move(one).value());
        } else {
            hollow.push_back(entry.path());
        }
    }
    for (const fs::path& path : hollow) fs::remove_all(path, failed);
    return all;
}

}  // namespace shoal::apps
