#include "child.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "core/error.hpp"
#include "core/npy.hpp"
#include "core/signals.hpp"
#include "core/units.hpp"

namespace stateutils::tools {
namespace {

constexpr std::int64_t kLookMs = 2;

std::string how_it_ended(int status) {
  return WIFEXITED(status) ? "exited with " + std::to_string(WEXITSTATUS(status))
                           : "died by signal " + std::to_string(WTERMSIG(status));
}

int milliseconds(core::Duration time) {
  return static_cast<int>(
      std::clamp<std::int64_t>(time.ns / 1'000'000, 1, std::numeric_limits<int>::max()));
}

}  // namespace

Child::Child(core::Nursery& nursery, const ChildOptions& options)
    : nursery_(nursery), options_(options) {
  core::Pipe to, from;
  core::Spawn spawn;
  spawn.argv = {"/bin/sh", "-c", options.command};
  spawn.descriptors = {{to.read.get(), STDIN_FILENO}, {from.write.get(), STDOUT_FILENO}};
  pid_ = nursery.start(spawn);
  in_ = std::move(to.write);
  out_ = std::move(from.read);
  core::set_nonblocking(in_.get());
  core::set_nonblocking(out_.get());
}

void Child::fail(const std::string& message) const {
  const std::uint64_t number = batches_.empty() ? last_ : batches_.front().number;
  throw core::input_error({"--exec"}, "batch " + std::to_string(number) + ": " + message);
}

void Child::fail_silent() const {
  fail("no answer within " +
       core::format_duration(1e-9 * static_cast<double>(options_.timeout->ns)));
}

// A command that breaks off is about to end, most often, and its exit says more than its pipe.
void Child::fail_broken(const char* what) {
  constexpr std::int64_t kPatienceMs = 500;
  const std::int64_t start = core::now_ms();
  std::optional<int> status;
  while (!(status = nursery_.ended(pid_)) && core::now_ms() - start < kPatienceMs) {
    (void)::poll(nullptr, 0, kLookMs);
  }
  fail(status ? "the command " + how_it_ended(*status) + " before its values"
              : "the command " + std::string(what));
}

void Child::push(std::uint64_t number, std::size_t first, const double* x, std::size_t rows,
                 std::size_t d) {
  batches_.push_back({number, first, rows, 0});
  last_ = number;
  if (!options_.text) {
    const std::uint64_t shape[] = {rows, d};
    unsent_ += core::npy_header_bytes(core::NpyType::kF8, shape);
    unsent_.append(reinterpret_cast<const char*>(x), rows * d * sizeof(double));
    return;
  }
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      unsent_ += core::format_double(x[i * d + j]);
      unsent_ += j + 1 < d ? ',' : '\n';
    }
  }
}

void Child::write_some() {
  const ssize_t n = ::write(in_.get(), unsent_.data() + sent_, unsent_.size() - sent_);
  if (n > 0) sent_ += static_cast<std::size_t>(n);
  if (n < 0 && errno == EPIPE) fail_broken("stopped reading");
  if (sent_ == unsent_.size()) {
    unsent_.clear();
    sent_ = 0;
  }
}

void Child::read_some() {
  char part[65536];
  const ssize_t n = ::read(out_.get(), part, sizeof part);
  if (n == 0) fail_broken("closed its output before its values");
  if (n > 0) buffer_.append(part, static_cast<std::size_t>(n));
}

// The first batch that comes back tells how many values a point has.
void Child::require_width(std::size_t found, std::vector<double>& values, std::size_t& width,
                          std::size_t rows) const {
  if (width == 0) width = found;
  if (found != width) {
    fail(std::to_string(found) + " values a point, " + std::to_string(width) + " before");
  }
  values.resize(rows * width);
}

// Whole arrays only: false until all of it has come.
bool Child::take_array(Batch& batch, std::vector<double>& values, std::size_t& width,
                       std::size_t rows) {
  if (buffer_.size() < 12) return false;
  const auto byte = [&](std::size_t i) {
    return std::size_t{static_cast<unsigned char>(buffer_[i])};
  };
  const std::size_t header_bytes = buffer_[6] == 1 ? 10 + (byte(8) | byte(9) << 8)
                                                   : 12 + (byte(8) | byte(9) << 8 | byte(10) << 16);
  if (buffer_.size() < header_bytes) return false;
  const auto source = core::memory_input(buffer_, "--exec");
  const core::NpyHeader header = core::read_npy_header(*source);
  const auto& shape = header.shape;
  if (shape.empty() || shape.size() > 2 || shape[0] != batch.rows || header.items() == 0) {
    fail(std::to_string(header.items()) + " values for " + std::to_string(batch.rows) + " points");
  }
  const std::size_t bytes = header_bytes + header.items() * core::item_size(header.type);
  if (buffer_.size() < bytes) return false;
  require_width(shape.size() == 2 ? shape[1] : 1, values, width, rows);
  const auto whole = core::memory_input(buffer_, "--exec");
  const core::NpyArray array = core::read_npy(*whole);
  std::copy(array.values.begin(), array.values.end(),
            values.begin() + static_cast<std::ptrdiff_t>(batch.first * width));
  buffer_.erase(0, bytes);
  return true;
}

bool Child::take_lines(Batch& batch, std::vector<double>& values, std::size_t& width,
                       std::size_t rows) {
  std::size_t from = 0;
  for (; batch.taken < batch.rows; ++batch.taken) {
    const std::size_t end = buffer_.find('\n', from);
    if (end == std::string::npos) break;
    std::string_view line(buffer_.data() + from, end - from);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    require_width(static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1, values,
                  width, rows);
    double* place = &values[(batch.first + batch.taken) * width];
    for (std::size_t k = 0; k < width; ++k) {
      const std::size_t comma = line.find(',');
      const auto value = core::parse_double(line.substr(0, comma));
      if (!value) {
        fail("row " + std::to_string(batch.taken) + ": " + core::quoted(line) + " is no number");
      }
      place[k] = *value;
      line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
    }
    from = end + 1;
  }
  buffer_.erase(0, from);
  return batch.taken == batch.rows;
}

void Child::collect(std::vector<double>& values, std::size_t& width, std::size_t rows) {
  while (!batches_.empty()) {
    Batch& batch = batches_.front();
    if (options_.text ? !take_lines(batch, values, width, rows)
                      : !take_array(batch, values, width, rows)) {
      return;
    }
    batches_.pop_front();
  }
}

void Child::finish() {
  in_.close();
  const std::int64_t start = core::now_ms();
  std::optional<int> status;
  while (!(status = nursery_.ended(pid_))) {
    pollfd stop{core::stop_fd(), POLLIN, 0};
    (void)::poll(&stop, 1, kLookMs);
    core::check_stop();
    if (options_.timeout && core::now_ms() - start > milliseconds(*options_.timeout)) {
      fail("the command does not end");
    }
  }
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0)
    fail("the command " + how_it_ended(*status));
}

Children::Children(ChildOptions options, std::size_t batch_rows)
    : options_(std::move(options)), batch_rows_(batch_rows) {
  for (int j = 0; j < options_.jobs; ++j) {
    children_.push_back(std::make_unique<Child>(nursery_, options_));
  }
}

// One round of poll: sends what fits, reads what is there.
void Children::exchange() {
  std::vector<pollfd> ends{{core::stop_fd(), POLLIN, 0}};
  for (const auto& child : children_) {
    ends.push_back({child->is_idle() ? -1 : child->output_fd(), POLLIN, 0});
    ends.push_back({child->has_output() ? child->input_fd() : -1, POLLOUT, 0});
  }
  const int wait = options_.timeout ? milliseconds(*options_.timeout) : -1;
  const int ready = ::poll(ends.data(), ends.size(), wait);
  if (ready < 0 && errno != EINTR) throw core::system_error("--exec", "poll", errno);
  core::check_stop();
  for (const auto& child : children_) {
    if (ready == 0 && !child->is_idle()) child->fail_silent();
  }
  for (std::size_t c = 0; c < children_.size(); ++c) {
    if (ends[2 + 2 * c].revents != 0) children_[c]->write_some();
    if (ends[1 + 2 * c].revents != 0) children_[c]->read_some();
  }
}

void Children::evaluate(const double* x, std::size_t rows, std::size_t d, std::vector<double>& y) {
  for (std::size_t first = 0; first < rows; first += batch_rows_, ++batch_) {
    children_[batch_ % children_.size()]->push(batch_, first, x + first * d,
                                               std::min(batch_rows_, rows - first), d);
  }
  for (;;) {
    bool idle = true;
    for (const auto& child : children_) {
      child->collect(y, width_, rows);
      idle = idle && child->is_idle();
    }
    if (idle) break;
    exchange();
  }
}

void Children::finish() {
  for (const auto& child : children_) child->finish();
}

}  // namespace stateutils::tools
