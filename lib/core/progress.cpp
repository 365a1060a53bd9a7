#include "core/progress.hpp"

#include <unistd.h>

#include "core/units.hpp"

namespace stateutils::core {
namespace {

constexpr std::chrono::milliseconds kInterval{200};

std::string amount(std::uint64_t value, Progress::Unit unit) {
  return unit == Progress::Unit::kBytes ? format_size(value) : format_grouped(value);
}

void put(const std::string& text) {
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

Progress::Progress(bool enabled, std::string what, std::uint64_t total, Unit unit)
    : enabled_(enabled),
      what_(std::move(what)),
      total_(total),
      unit_(unit),
      start_(std::chrono::steady_clock::now()),
      last_(start_) {}

Progress::~Progress() {
  if (drawn_) put("\r\x1b[K");
}

void Progress::set(std::uint64_t done) {
  done_.store(done, std::memory_order_relaxed);
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ >= kInterval) draw(now);
}

void Progress::note(const std::string& extra) {
  extra_ = extra;
}

void Progress::draw(std::chrono::steady_clock::time_point now) {
  last_ = now;
  drawn_ = true;
  const std::uint64_t done = done_.load(std::memory_order_relaxed);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const double rate = static_cast<double>(done) / seconds;
  std::string line = "\r\x1b[K" + what_ + ": " + amount(done, unit_);
  if (total_ != 0) {
    const double share = static_cast<double>(done) / static_cast<double>(total_);
    line += " of " + amount(total_, unit_) + " (" + format_fixed(100 * share, 1) + " %)";
  }
  line += ", " + amount(static_cast<std::uint64_t>(rate), unit_) + "/s";
  if (total_ > done && done != 0) {
    line += ", " + format_duration(static_cast<double>(total_ - done) / rate) + " left";
  }
  if (!extra_.empty()) line += ", " + extra_;
  put(line);
}

}  // namespace stateutils::core
