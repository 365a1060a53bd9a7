// Addresses and stream sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct addrinfo;

namespace stateutils::sbus {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
// "HOST:PORT", "[::1]:PORT" or ":PORT" (loopback); malformed is kUsage of `option`.
[[nodiscard]] HostPort split_address(const std::string& address, const char* option);

// A socket that listens.
struct Listener {
  int fd = -1;
  bool loopback = false;
  std::string address;  // HOST:PORT with the port it really has
};
// An address that cannot be had is kEnvironment.
[[nodiscard]] Listener listen_on(const std::string& address);

// A connected socket that does not block and sends at once; kEnvironment when nobody answers.
[[nodiscard]] int connect_to(const HostPort& to);

}  // namespace stateutils::sbus
