#include "sandbox/shim_socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace shoal::sandbox {

namespace {

constexpr const char* socket_name = "/shim.sock";
constexpr int waiting_max = 16;

Fd open_folder(const std::string& folder) {
    return Fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/// Through the descriptor, so that the address is short whatever the folder's path.
sockaddr_un address_in(const Fd& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + socket_name;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

Fd open_socket() {
    return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

Result<Fd> listen_in(const std::string& folder) {
    const Fd place = open_folder(folder);
    if (!place.open()) return failed("open " + folder);
    Fd socket = open_socket();
    if (!socket.open()) return failed("socket");
    ::unlinkat(place.get(), socket_name + 1, 0);
    const sockaddr_un address = address_in(place);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return failed("bind " + folder + socket_name);
    }
    if (::listen(socket.get(), waiting_max) != 0) return failed("listen");
    return socket;
}

Result<Fd> connect_in(const std::string& folder) {
    const Fd place = open_folder(folder);
    if (!place.open()) return failed("open " + folder);
    Fd socket = open_socket();
    if (!socket.open()) return failed("socket");
    const sockaddr_un address = address_in(place);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return failed("connect to " + folder + socket_name);
    }
    return socket;
}

Result<std::vector<std::string>> LineReader::take(std::string_view bytes) {
    std::vector<std::string> lines;
    rest_.append(bytes);
    for (std::size_t end = 0; (end = rest_.find('\n')) != std::string::npos;) {
        lines.push_back(rest_.substr(0, end));
        rest_.erase(0, end + 1);
    }
    if (rest_.size() > line_max_) return Error{Code::invalid, "a line is too long"};
    return lines;
}

Result<std::vector<std::string>> read_lines(int socket, LineReader& reader) {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::vector<std::string>{};
    if (size <= 0) return Error{Code::unavailable, "the other side is gone"};
    return reader.take({buffer.data(), static_cast<std::size_t>(size)});
}

}  // namespace shoal::sandbox
