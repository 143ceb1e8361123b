// Probes that try to reach anybody. None of them sends a packet: to be routed is enough.

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/attack/probe.h"

namespace shoal::attack {

namespace {

constexpr std::uint16_t discard_port = 9;
constexpr std::uint16_t name_port = 53;

Finding make_socket(int family, int type, int protocol) {
    const int fd = ::socket(family, type, protocol);
    const Finding finding = by_result(fd);
    if (fd >= 0) ::close(fd);
    return finding;
}

template <class Address>
Finding reach(int family, int type, const Address& address, socklen_t size) {
    const int fd = ::socket(family, type, 0);
    if (fd < 0) return by_result(fd);
    const Finding finding =
        by_result(::connect(fd, reinterpret_cast<const sockaddr*>(&address), size));
    ::close(fd);
    return finding;
}

sockaddr_in address_of(const char* host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

Finding net_host_loopback(const Target& target) {
    const sockaddr_in address = address_of("127.0.0.1", static_cast<std::uint16_t>(target.port));
    return reach(AF_INET, SOCK_STREAM, address, sizeof address);
}

Finding net_route4(const Target& /*target*/) {
    const sockaddr_in address = address_of("192.0.2.1", discard_port);
    return reach(AF_INET, SOCK_DGRAM, address, sizeof address);
}

Finding net_route6(const Target& /*target*/) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(discard_port);
    ::inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr);
    return reach(AF_INET6, SOCK_DGRAM, address, sizeof address);
}

Finding net_names(const Target& /*target*/) {
    const sockaddr_in address = address_of("192.0.2.53", name_port);
    return reach(AF_INET, SOCK_DGRAM, address, sizeof address);
}

Finding raw_icmp(const Target& /*target*/) {
    return make_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
Finding raw_icmp6(const Target& /*target*/) {
    return make_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
}
Finding af_packet(const Target& /*target*/) {
    return make_socket(AF_PACKET, SOCK_RAW, 0);
}
Finding af_vsock(const Target& /*target*/) {
    return make_socket(AF_VSOCK, SOCK_STREAM, 0);
}
Finding af_alg(const Target& /*target*/) {
    return make_socket(AF_ALG, SOCK_SEQPACKET, 0);
}
Finding af_xdp(const Target& /*target*/) {
    return make_socket(AF_XDP, SOCK_RAW, 0);
}
Finding netlink_netfilter(const Target& /*target*/) {
    return make_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
}

/// A filter that compares all 64 bits of the family would let this one through.
Finding af_vsock_high_bits(const Target& /*target*/) {
    constexpr std::uint64_t high_bits = std::uint64_t{1} << 40;
    return by_result(::syscall(SYS_socket, high_bits | AF_VSOCK, SOCK_STREAM, 0));
}

sockaddr_un unix_address(std::string_view name, std::size_t at) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + at, sizeof address.sun_path - at - 1);
    return address;
}

Finding unix_abstract(const Target& /*target*/) {
    constexpr std::string_view name = "shoal-victim";
    const sockaddr_un address = unix_address(name, 1);
    return reach(AF_UNIX, SOCK_STREAM, address,
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size()));
}

Finding unix_path(const Target& target) {
    const sockaddr_un address = unix_address(target.socket, 0);
    return reach(AF_UNIX, SOCK_STREAM, address, sizeof address);
}

constexpr std::array probes{
    Probe{"net_host_loopback", &net_host_loopback},
    Probe{"net_route4", &net_route4},
    Probe{"net_route6", &net_route6},
    Probe{"net_names", &net_names},
    Probe{"raw_icmp", &raw_icmp},
    Probe{"raw_icmp6", &raw_icmp6},
    Probe{"af_packet", &af_packet},
    Probe{"af_vsock", &af_vsock},
    Probe{"af_vsock_high_bits", &af_vsock_high_bits},
    Probe{"af_alg", &af_alg},
    Probe{"af_xdp", &af_xdp},
    Probe{"netlink_netfilter", &netlink_netfilter},
    Probe{"unix_abstract", &unix_abstract},
    Probe{"unix_path", &unix_path},
};

}  // namespace

std::span<const Probe> network_probes() {
    return probes;
}

}  // namespace shoal::attack
