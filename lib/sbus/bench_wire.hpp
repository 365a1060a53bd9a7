// A connection of a bench agent that speaks a text protocol.
#pragma once

#include <string>
#include <string_view>

#include "sbus/sockets.hpp"

namespace stateutils::sbus {

class Wire {
 public:
  explicit Wire(const HostPort& to);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void send(std::string_view text);  // all of it; a connection that is lost is kEnvironment
  // Takes what has arrived; with `wait`, at least something.
  void receive(bool wait = false);
  [[nodiscard]] std::string_view received() const { return std::string_view(in_).substr(taken_); }
  void take(std::size_t size);
  [[nodiscard]] int fd() const { return fd_; }

 private:
  std::string name_;
  int fd_;
  std::string in_;
  std::size_t taken_ = 0;
};

}  // namespace stateutils::sbus
