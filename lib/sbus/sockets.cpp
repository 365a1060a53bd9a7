#include "sbus/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::sbus {
namespace {

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return (ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
  return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && six->sin6_addr.s6_addr[12] == 127);
}

std::string bound_address(int fd) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size);
  char host[INET6_ADDRSTRLEN] = {};
  if (own.ss_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(&own);
    ::inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(four->sin_port));
  }
  const auto* six = reinterpret_cast<const sockaddr_in6*>(&own);
  ::inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
  return "[" + std::string(host) + "]:" + std::to_string(ntohs(six->sin6_port));
}

std::shared_ptr<addrinfo> resolve(const HostPort& to, const std::string& shown, bool passive) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
  if (code != 0) throw core::environment_error(shown + ": " + ::gai_strerror(code));
  return {found, ::freeaddrinfo};
}

}  // namespace

HostPort split_address(const std::string& address, const char* option) {
  const std::size_t colon = address.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : core::parse_u64(address.substr(colon + 1));
  if (!port || *port > 65535) {
    throw core::usage_error(std::string(option) + ": " + core::quoted(address) +
                            ": expected HOST:PORT");
  }
  std::string host = address.substr(0, colon);
  if (host.empty()) host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return {host, static_cast<std::uint16_t>(*port)};
}

Listener listen_on(const std::string& address) {
  const auto found = resolve(split_address(address, "--listen"), address, true);
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw core::system_error(address, "listen", errno);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, 1024) != 0) {
    const int code = errno;
    ::close(fd);
    throw core::system_error(address, "listen", code);
  }
  return {fd, is_loopback(found->ai_addr), bound_address(fd)};
}

int connect_to(const HostPort& to) {
  const std::string shown = to.host + ":" + std::to_string(to.port);
  const auto found = resolve(to, shown, false);
  int code = ECONNREFUSED;
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
    const int fd = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    if (::connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
      return fd;
    }
    code = errno;
    ::close(fd);
  }
  throw core::system_error(shown, "connect", code);
}

}  // namespace stateutils::sbus
