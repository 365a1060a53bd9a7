#include "core/signals.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace stateutils::core {
namespace {

// Signal handlers can reach nothing but objects of static storage: the one exception to "no
// globals" here.
std::atomic<int> stop_requested{0};
int wake_pipe[2] = {-1, -1};

void on_stop(int signal) {
  const int saved = errno;
  stop_requested.store(signal, std::memory_order_relaxed);
  if (wake_pipe[1] >= 0) {
    const char byte = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(wake_pipe[1], &byte, 1);
  }
  errno = saved;
}

void handle(int signal, void (*handler)(int), int flags) {
  struct sigaction previous {};
  ::sigaction(signal, nullptr, &previous);
  if (previous.sa_handler == SIG_IGN) return;  // nohup, or a background job of a script
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void install_signal_handlers() {
  if (::pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0) wake_pipe[0] = wake_pipe[1] = -1;
  // SA_RESETHAND: a second signal of the same kind kills. No SA_RESTART: blocked reads must return.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    handle(signal, on_stop, static_cast<int>(SA_RESETHAND));
  for (const int signal : {SIGPIPE, SIGXFSZ}) handle(signal, SIG_IGN, 0);
}

int stop_signal() noexcept {
  return stop_requested.load(std::memory_order_relaxed);
}

void check_stop() {
  if (const int signal = stop_signal()) throw Interrupted{signal};
}

int stop_fd() noexcept {
  return wake_pipe[0];
}

void die_by_signal(int signal) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, signal);
  ::sigprocmask(SIG_UNBLOCK, &mask, nullptr);
  ::raise(signal);
  ::_exit(128 + signal);  // the signal was blocked by a debugger or container: report it anyway
}

void reset_signals_in_child() noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace stateutils::core
