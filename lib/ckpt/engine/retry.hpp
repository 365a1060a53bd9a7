// System calls that a signal may interrupt.
#pragma once

#include <cerrno>

#include "core/signals.hpp"

namespace stateutils::ckpt {

// The result of `call()`, made again while a signal interrupts it and asks for no stop.
template <class Call>
auto retry_interrupted(const Call& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    core::check_stop();
    result = call();
  }
  return result;
}

}  // namespace stateutils::ckpt
