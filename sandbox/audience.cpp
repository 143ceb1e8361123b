#include "sandbox/audience.h"

#include <sys/socket.h>

namespace shoal::sandbox {

namespace {

constexpr std::size_t members_max = 16;
constexpr std::size_t command_bytes_max = 256;

bool send_whole(const Fd& socket, std::string_view text) {
    const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(text.size());
}

}  // namespace

void Audience::add_to(std::vector<pollfd>& polled) const {
    polled.push_back({listener_.get(), POLLIN, 0});
    for (const Member& member : members_) polled.push_back({member.socket.get(), POLLIN, 0});
}

void Audience::accept(std::string_view so_far) {
    for (;;) {
        Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!socket.open()) return;
        if (members_.size() == members_max || !send_whole(socket, so_far)) continue;
        members_.push_back({std::move(socket), LineReader(command_bytes_max)});
    }
}

std::vector<std::string> Audience::hear() {
    std::vector<std::string> heard;
    std::erase_if(members_, [&heard](Member& member) {
        auto lines = read_lines(member.socket.get(), member.reader);
        if (!lines.ok()) return true;
        for (const std::string& line : lines.value()) heard.push_back(line);
        return false;
    });
    return heard;
}

void Audience::tell(std::string_view line) {
    std::erase_if(members_,
                  [line](const Member& member) { return !send_whole(member.socket, line); });
}

}  // namespace shoal::sandbox
