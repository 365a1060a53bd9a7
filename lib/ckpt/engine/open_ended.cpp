#include "ckpt/engine/open_ended.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "ckpt/engine/placed_writer.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

// Bytes in order, written in aligned blocks and hashed on the way. Blocks of the first `there`
// bytes are in place already.
class BlockWriter {
 public:
  BlockWriter(int fd, const std::string& path, bool direct, std::uint64_t there)
      : writer_(fd, path, direct), there_(there) {}

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
    if (used_ > 0 && offset_ + used_ > there_) writer_.write(offset_, block_.get(), used_);
    offset_ += used_;
    used_ = 0;
  }

  PlacedWriter writer_;
  std::uint64_t there_;
  AlignedBuffer block_ = aligned_buffer(kLargestBlock);
  std::uint64_t used_ = 0, offset_ = 0;
  std::vector<std::uint64_t> hashes_;
};

}  // namespace

Placed write_open_ended(const OutputPlan& plan, int fd, const std::string& path, std::uint64_t from,
                        const EngineOptions& options) {
  const std::uint64_t room = plan.size();
  ByteFilePtr there;
  if (from > 0) {
    there = plain_file(path);
    there = sub_file(there, 0, std::min(from, there->size()));
  }
  BlockWriter writer(fd, path, wants_direct(options.io, plan.tail_estimate),
                     there ? there->size() : 0);
  const std::string blank(std::min(room, kHashBlock), '\0');
  for (std::uint64_t left = room; left > 0; left -= std::min<std::uint64_t>(left, blank.size())) {
    writer.append(blank.data(), std::min<std::uint64_t>(left, blank.size()));
  }
  std::uint64_t done = room;
  const bool whole = plan.tail(
      [&](const char* data, std::uint64_t size) {
        writer.append(data, size);
        done += size;
        if (options.progress) options.progress(done);
      },
      options, there.get());
  const std::uint64_t total = writer.finish();
  if (!whole) return {.bytes = total, .complete = false};
  for (const Patch& patch : plan.finish({})) {
    core::pwrite_fully(fd, patch.bytes.data(), patch.bytes.size(), 0, path);
    rehash(writer.hashes(), fd, path, total, 0, patch.bytes.size());
  }
  return {.sum = sum_of(total, writer.hashes()), .bytes = total};
}

FileSum stream_open_ended(const OutputPlan& plan, core::Output& out, const EngineOptions& options) {
  const ScratchFile scratch;
  EngineOptions whole = options;
  whole.deadline.reset();
  const FileSum sum = write_open_ended(plan, scratch.fd(), scratch.name(), 0, whole).sum;
  std::vector<char> buffer(kHashBlock);
  for (std::uint64_t at = 0; at < sum.size;) {
    core::check_stop();
    const std::uint64_t part = std::min<std::uint64_t>(buffer.size(), sum.size - at);
    read_back(scratch.fd(), scratch.name(), at, buffer.data(), part);
    out.write(buffer.data(), part);
    at += part;
  }
  return sum;
}

}  // namespace stateutils::ckpt
