#include "sandbox/handover.h"

#include <cerrno>

#include <sys/mman.h>
#include <unistd.h>

#include "core/json.h"
#include "core/limits.h"

namespace shoal::sandbox {

namespace {

// Each byte of a value may become six of JSON; names are short.
constexpr std::size_t bytes_max = limits::secrets_per_job * limits::secret_bytes_max * 8;

}  // namespace

Result<Fd> hand_over(const Secrets& secrets) {
    Fd file(::memfd_create("secrets", MFD_CLOEXEC));
    if (!file.open()) return failed("memfd_create");
    const std::string text = json::print(secrets);
    const ssize_t written = ::pwrite(file.get(), text.data(), text.size(), 0);
    if (written != static_cast<ssize_t>(text.size())) return failed("hand secrets over");
    return file;
}

Result<Secrets> take_over(Fd file) {
    std::string text(bytes_max, '\0');
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
    if (size < 0) return failed("take secrets over");
    text.resize(static_cast<std::size_t>(size));
    const Error wrong{Code::invalid, "what was handed over is not secrets"};  // and quotes none
    const auto value = json::parse(text, bytes_max);
    if (!value.ok()) return wrong;
    auto secrets = json::read<Secrets>(value.value(), json::Reader::strict);
    return secrets.ok() ? std::move(secrets) : Result<Secrets>(wrong);
}

}  // namespace shoal::sandbox
