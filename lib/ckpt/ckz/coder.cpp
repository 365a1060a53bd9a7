#include "ckpt/ckz/coder.hpp"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>

namespace stateutils::ckpt::ckz {
namespace {

constexpr std::uint64_t kBlock = 128u << 10;  // largest block of a frame (RFC 8878, 3.1.1.2.4)
constexpr std::uint32_t kMagic = 0xFD2FB528;

// ZSTD_c_literalCompressionMode of the experimental interface: 1 forces Huffman-coded literals,
// which the fast strategies leave out at negative levels. Its number is stable since 1.3.8.
constexpr int kLiteralMode = 1002;

std::size_t checked(std::size_t code) {
  if (ZSTD_isError(code) != 0) {
    if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation) throw std::bad_alloc();
    throw std::logic_error(ZSTD_getErrorName(code));
  }
  return code;
}

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using Compressor = std::unique_ptr<ZSTD_CCtx, FreeCompressor>;

Compressor new_compressor() {
  Compressor context(ZSTD_createCCtx());
  if (!context) throw std::bad_alloc();
  return context;
}

// Steps of 128 KiB through a tiny table: no match is ever found, and nothing is spent on looking.
Compressor huffman_only() {
  Compressor context = new_compressor();
  const auto set = [&](ZSTD_cParameter parameter, int value) {
    return ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), parameter, value)) == 0;
  };
  const bool known = set(static_cast<ZSTD_cParameter>(kLiteralMode), 1);
  if (!known) {  // a library without the mode: level 1 finds little but codes the literals too
    checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 1));
    return context;
  }
  checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_strategy, ZSTD_fast));
  checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_minMatch, 7));
  checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_targetLength, 131072));
  checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_hashLog, 6));
  return context;
}

Compressor level_one() {
  Compressor context = new_compressor();
  checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 1));
  return context;
}

}  // namespace

char* Buffer::room(std::uint64_t size) {
  if (size > capacity_) {
    data_ = std::make_unique_for_overwrite<char[]>(size);
    capacity_ = size;
  }
  return data_.get();
}

bool begins_like_a_frame(std::span<const char> bytes) {
  std::uint32_t magic = 0;
  if (bytes.size() < sizeof magic) return false;
  std::memcpy(&magic, bytes.data(), sizeof magic);
  return magic == kMagic;
}

std::uint64_t frame_bound(std::uint64_t size) {
  return ZSTD_compressBound(size) + 32;
}

// RFC 8878: magic, frame header descriptor 0xE0 (8-byte content size, single segment), then
// blocks with a 3-byte header (bit 0 last, bits 1..2 type 0 = raw, size from bit 3).
void raw_frame(std::span<const char> bytes, Buffer& out) {
  char* at = out.room(frame_bound(bytes.size()));
  const std::uint64_t size = bytes.size();
  std::memcpy(at, &kMagic, 4);
  at[4] = static_cast<char>(0xE0);
  std::memcpy(at + 5, &size, 8);
  at += 13;
  std::uint64_t done = 0;
  do {
    const std::uint64_t part = std::min(kBlock, size - done);
    const auto header = static_cast<std::uint32_t>((part << 3) | (done + part == size ? 1 : 0));
    std::memcpy(at, &header, 3);
    if (part > 0) std::memcpy(at + 3, bytes.data() + done, part);
    at += 3 + part;
    done += part;
  } while (done < size);
  out.set_size(static_cast<std::uint64_t>(at - out.data()));
}

struct FrameCoder::Contexts {
  Compressor huffman = huffman_only(), matches = level_one();
  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> decoder{ZSTD_createDCtx()};
};

FrameCoder::FrameCoder() : contexts_(std::make_unique<Contexts>()) {
  if (!contexts_->decoder) throw std::bad_alloc();
}
FrameCoder::~FrameCoder() = default;
FrameCoder::FrameCoder(FrameCoder&&) noexcept = default;
FrameCoder& FrameCoder::operator=(FrameCoder&&) noexcept = default;

void FrameCoder::encode(Effort effort, std::span<const char> bytes, Buffer& out,
                        std::span<const std::uint64_t> cuts) {
  ZSTD_CCtx* context =
      effort == Effort::kHuffman ? contexts_->huffman.get() : contexts_->matches.get();
  const std::uint64_t room = frame_bound(bytes.size()) + 64 * cuts.size();
  char* to = out.room(room);
  if (cuts.empty()) {
    out.set_size(checked(ZSTD_compress2(context, to, room, bytes.data(), bytes.size())));
    return;
  }
  checked(ZSTD_CCtx_reset(context, ZSTD_reset_session_only));
  checked(ZSTD_CCtx_setPledgedSrcSize(context, bytes.size()));
  ZSTD_outBuffer target{to, room, 0};
  ZSTD_inBuffer source{bytes.data(), 0, 0};
  for (const std::uint64_t cut : cuts) {
    source.size = std::min<std::uint64_t>(cut, bytes.size());
    while (checked(ZSTD_compressStream2(context, &target, &source, ZSTD_e_flush)) != 0) {
    }
  }
  source.size = bytes.size();
  while (checked(ZSTD_compressStream2(context, &target, &source, ZSTD_e_end)) != 0) {
  }
  out.set_size(target.pos);
}

bool FrameCoder::content_size(std::span<const char> frame, std::uint64_t& size) {
  size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  return size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR;
}

bool FrameCoder::decode(std::span<const char> frame, char* to, std::uint64_t size) {
  const std::size_t got =
      ZSTD_decompressDCtx(contexts_->decoder.get(), to, size, frame.data(), frame.size());
  return ZSTD_isError(got) == 0 && got == size;
}

double sampled_entropy(std::span<const char> bytes) {
  constexpr std::uint64_t kWindows = 8, kWindow = 2048;
  std::array<std::uint32_t, 256> counts{};
  std::uint64_t total = 0;
  const auto count = [&](std::uint64_t first, std::uint64_t size) {
    for (std::uint64_t i = first; i < first + size; ++i) {
      ++counts[static_cast<unsigned char>(bytes[i])];
    }
    total += size;
  };
  if (bytes.size() <= kWindows * kWindow) {
    count(0, bytes.size());
  } else {
    const std::uint64_t step = (bytes.size() - kWindow) / (kWindows - 1);
    for (std::uint64_t w = 0; w < kWindows; ++w) count(w * step, kWindow);
  }
  double bits = 0;
  for (const std::uint32_t n : counts) {
    if (n == 0) continue;
    const double share = n / static_cast<double>(total);
    bits -= share * std::log2(share);
  }
  return bits;
}

}  // namespace stateutils::ckpt::ckz
