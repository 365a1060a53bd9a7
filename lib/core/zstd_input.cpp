// The zstd side of byte sources (RFC 8878): recognised by content, decoded as a stream.
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "core/error.hpp"
#include "core/input.hpp"

namespace stateutils::core {
namespace {

constexpr std::size_t kMagicBytes = 4;
constexpr std::size_t kZstdBlock = 256 << 10;
// Frames may ask for a window of this size at most (zstd --long=27): 128 MiB of memory.
constexpr int kMaxWindowLog = 27;

bool has_zstd_magic(const char* data, std::size_t size) {
  if (size < kMagicBytes) return false;
  std::array<unsigned char, kMagicBytes> b{};
  std::memcpy(b.data(), data, kMagicBytes);
  const bool frame = b[0] == 0x28 && b[1] == 0xB5 && b[2] == 0x2F && b[3] == 0xFD;
  const bool skippable = (b[0] & 0xF0) == 0x50 && b[1] == 0x2A && b[2] == 0x4D && b[3] == 0x18;
  return frame || skippable;
}

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

// Bytes that were read ahead to see the magic, then the rest of the source.
class AheadSource : public ByteSource {
 public:
  AheadSource(std::unique_ptr<ByteSource> raw, std::string ahead)
      : ByteSource(raw->name()), raw_(std::move(raw)), ahead_(std::move(ahead)) {}

  std::size_t read(char* data, std::size_t size) override {
    if (used_ == ahead_.size()) return raw_->read(data, size);
    const std::size_t n = std::min(size, ahead_.size() - used_);
    std::memcpy(data, ahead_.data() + used_, n);
    used_ += n;
    // Whole blocks from the first on, where that needs no waiting: a copier then passes them on
    // without gathering.
    return n < size && !raw_->would_wait() ? n + raw_->read(data + n, size - n) : n;
  }
  std::uint64_t skip(std::uint64_t size) override {
    const std::uint64_t n = std::min<std::uint64_t>(size, ahead_.size() - used_);
    used_ += static_cast<std::size_t>(n);
    return n + raw_->skip(size - n);
  }
  [[nodiscard]] bool is_live() const override { return raw_->is_live(); }
  [[nodiscard]] bool would_wait() const override {
    return used_ == ahead_.size() && raw_->would_wait();
  }

 private:
  std::unique_ptr<ByteSource> raw_;
  std::string ahead_;
  std::size_t used_ = 0;
};

class ZstdSource : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> raw)
      : ByteSource(raw->name()), raw_(std::move(raw)), stream_(ZSTD_createDStream()) {
    if (!stream_) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  }

  std::size_t read(char* data, std::size_t size) override {
    if (size == 0) return 0;
    ZSTD_outBuffer out{data, size, 0};
    for (;;) {
      // A full previous output may have left data inside the decoder, so ask it before reading.
      if (in_.pos == in_.size && !flushing_ && !refill()) {
        if (inside_frame_) throw damaged("the zstd frame is cut off");
        return 0;
      }
      const std::size_t hint = ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (ZSTD_isError(hint)) throw damaged(std::string("zstd: ") + ZSTD_getErrorName(hint));
      inside_frame_ = hint != 0;
      flushing_ = inside_frame_ && out.pos == out.size;
      if (out.pos > 0) return out.pos;
    }
  }
  [[nodiscard]] bool is_live() const override { return raw_->is_live(); }
  [[nodiscard]] bool would_wait() const override {
    return in_.pos == in_.size && !flushing_ && raw_->would_wait();
  }

 private:
  bool refill() {
    consumed_ += in_.size;
    in_ = {block_.get(), raw_->read(block_.get(), kZstdBlock), 0};
    return in_.size > 0;
  }
  [[nodiscard]] Error damaged(const std::string& message) const {
    return input_error({name(), {}, consumed_ + in_.pos}, message);
  }

  std::unique_ptr<ByteSource> raw_;
  std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
  std::unique_ptr<char[]> block_ = std::make_unique_for_overwrite<char[]>(kZstdBlock);
  ZSTD_inBuffer in_{nullptr, 0, 0};
  std::uint64_t consumed_ = 0;
  bool inside_frame_ = true;  // no frame at all is cut off, too
  bool flushing_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> decode_input(std::unique_ptr<ByteSource> raw, bool must_be_zstd) {
  std::string ahead(kMagicBytes, '\0');
  std::size_t have = 0;
  while (have < kMagicBytes) {
    const std::size_t got = raw->read(ahead.data() + have, kMagicBytes - have);
    if (got == 0) break;
    have += got;
    // Only what may still become a magic number is worth waiting for on a live input.
    const auto first = static_cast<unsigned char>(ahead[0]);
    if (first != 0x28 && (first & 0xF0) != 0x50) break;
  }
  ahead.resize(have);
  const bool zstd = must_be_zstd || has_zstd_magic(ahead.data(), have);
  auto source = std::make_unique<AheadSource>(std::move(raw), std::move(ahead));
  if (!zstd) return source;
  return std::make_unique<ZstdSource>(std::move(source));
}

}  // namespace stateutils::core
