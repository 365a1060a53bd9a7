// Stop requests. Handlers only set a flag and wake a pipe; loops ask.
#pragma once

namespace stateutils::core {

// Thrown by check_stop() and by interrupted I/O; core::Tool removes temporaries by unwinding and
// then dies by the same signal.
struct Interrupted {
  int signal;
};

// SIGINT, SIGTERM and SIGHUP request a stop (unless inherited as ignored), a second one of the
// same kind kills; SIGPIPE and SIGXFSZ become write errors.
void install_signal_handlers();
// The signal that asked to stop, or 0. Cheap enough for inner loops (one relaxed load).
[[nodiscard]] int stop_signal() noexcept;
void check_stop();  // throws Interrupted when a stop was requested
// Becomes readable when a stop is requested: for poll(2) in servers and waiters.
[[nodiscard]] int stop_fd() noexcept;
// Restores the default handling of `signal` and raises it; does not return.
[[noreturn]] void die_by_signal(int signal);
// In a child between fork and exec: default handling and an empty mask for every signal.
void reset_signals_in_child() noexcept;

}  // namespace stateutils::core
