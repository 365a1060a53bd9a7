#include "ckpt/engine/open_ended.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "ckpt/engine/placed_writer.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

// Bytes in order, written in aligned blocks and hashed on the way.
class BlockWriter {
 public:
  BlockWriter(int fd, const std::string& path, bool direct) : writer_(fd, path, direct) {}

  void append(const char* data, std::uint64_t size) {
    while (size > 0) {
      const std::uint64_t part = std::min(size, kLargestBlock - used_);
      std::memcpy(block_.get() + used_, data, part);
      used_ += part;
      data += part;
      size -= part;
      if (used_ == kLargestBlock) deliver();
    }
  }
  // Writes what is left; the file has as many bytes as it returns.
  std::uint64_t finish() {
    deliver();
    writer_.buffered();
    return offset_;
  }
  [[nodiscard]] std::vector<std::uint64_t>& hashes() { return hashes_; }

 private:
  void deliver() {
    core::check_stop();
    for (std::uint64_t at = 0; at < used_; at += kHashBlock) {
      hashes_.push_back(core::xxh3_64(block_.get() + at, std::min(kHashBlock, used_ - at)));
    }
    if (used_ > 0) writer_.write(offset_, block_.get(), used_);
    offset_ += used_;
    used_ = 0;
  }

  PlacedWriter writer_;
  AlignedBuffer block_ = aligned_buffer(kLargestBlock);
  std::uint64_t used_ = 0, offset_ = 0;
  std::vector<std::uint64_t> hashes_;
};

struct Scratch {
  int fd = open_scratch_file();
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { ::close(fd); }
};

}  // namespace

FileSum write_open_ended(const OutputPlan& plan, int fd, const std::string& path,
                         const EngineOptions& options) {
  const std::uint64_t room = plan.size();
  BlockWriter writer(fd, path, wants_direct(options.io, plan.tail_estimate));
  const std::string blank(std::min(room, kHashBlock), '\0');
  for (std::uint64_t left = room; left > 0; left -= std::min<std::uint64_t>(left, blank.size())) {
    writer.append(blank.data(), std::min<std::uint64_t>(left, blank.size()));
  }
  std::uint64_t done = room;
  plan.tail(
      [&](const char* data, std::uint64_t size) {
        writer.append(data, size);
        if (options.progress) options.progress(done += size);
      },
      options);
  const std::uint64_t total = writer.finish();
  for (const Patch& patch : plan.finish({})) {
    core::pwrite_fully(fd, patch.bytes.data(), patch.bytes.size(), 0, path);
    rehash(writer.hashes(), fd, path, total, 0, patch.bytes.size());
  }
  return sum_of(total, writer.hashes());
}

FileSum stream_open_ended(const OutputPlan& plan, core::Output& out, const EngineOptions& options) {
  const Scratch scratch;
  const std::string name = "temporary copy";
  const FileSum sum = write_open_ended(plan, scratch.fd, name, options);
  std::vector<char> buffer(kHashBlock);
  for (std::uint64_t at = 0; at < sum.size;) {
    core::check_stop();
    const std::uint64_t part = std::min<std::uint64_t>(buffer.size(), sum.size - at);
    read_scratch_file(scratch.fd, at, buffer.data(), part, name);
    out.write(buffer.data(), part);
    at += part;
  }
  return sum;
}

}  // namespace stateutils::ckpt
