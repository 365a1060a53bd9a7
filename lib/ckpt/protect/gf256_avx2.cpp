#include <immintrin.h>

#include "ckpt/protect/gf256.hpp"

namespace stateutils::ckpt::protect {
namespace {

__m256i both_lanes(const std::array<std::uint8_t, 16>& table) {
  return _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(table.data())));
}

// 64 bytes of kRows outputs in registers while the sources go by once. Two shuffles look up the
// products of both nibbles (Plank, Greenan, Miller, FAST'13).
template <std::size_t kRows>
std::size_t apply_rows(std::span<const NibbleTable> tables,
                       std::span<const std::uint8_t* const> sources,
                       std::span<std::uint8_t* const> outputs, std::size_t size) {
  const __m256i mask = _mm256_set1_epi8(0x0f);
  std::size_t at = 0;
  for (; at + 64 <= size; at += 64) {
    __m256i sum[kRows][2];
    for (auto& pair : sum) pair[0] = pair[1] = _mm256_setzero_si256();
    for (std::size_t j = 0; j < sources.size(); ++j) {
      const auto* from = reinterpret_cast<const __m256i*>(sources[j] + at);
      __m256i low[2], high[2];
      for (int half = 0; half < 2; ++half) {
        const __m256i x = _mm256_loadu_si256(from + half);
        low[half] = _mm256_and_si256(x, mask);
        high[half] = _mm256_and_si256(_mm256_srli_epi64(x, 4), mask);
      }
      for (std::size_t r = 0; r < kRows; ++r) {
        const NibbleTable& table = tables[r * sources.size() + j];
        const __m256i by_low = both_lanes(table.low), by_high = both_lanes(table.high);
        for (int half = 0; half < 2; ++half) {
          const __m256i product = _mm256_xor_si256(_mm256_shuffle_epi8(by_low, low[half]),
                                                   _mm256_shuffle_epi8(by_high, high[half]));
          sum[r][half] = _mm256_xor_si256(sum[r][half], product);
        }
      }
    }
    for (std::size_t r = 0; r < kRows; ++r) {
      auto* to = reinterpret_cast<__m256i*>(outputs[r] + at);
      _mm256_storeu_si256(to, sum[r][0]);
      _mm256_storeu_si256(to + 1, sum[r][1]);
    }
  }
  return at;
}

}  // namespace

void gf_kernel_avx2(std::span<const NibbleTable> tables,
                    std::span<const std::uint8_t* const> sources,
                    std::span<std::uint8_t* const> outputs, std::size_t size) {
  std::size_t done = 0;
  switch (outputs.size()) {
    case 1:
      done = apply_rows<1>(tables, sources, outputs, size);
      break;
    case 2:
      done = apply_rows<2>(tables, sources, outputs, size);
      break;
    case 3:
      done = apply_rows<3>(tables, sources, outputs, size);
      break;
    default:
      done = apply_rows<4>(tables, sources, outputs, size);
      break;
  }
  for (std::size_t r = 0; r < outputs.size(); ++r) {
    for (std::size_t i = done; i < size; ++i) {
      std::uint8_t sum = 0;
      for (std::size_t j = 0; j < sources.size(); ++j) {
        const NibbleTable& table = tables[r * sources.size() + j];
        const std::uint8_t x = sources[j][i];
        sum ^= static_cast<std::uint8_t>(table.low[x & 15] ^ table.high[x >> 4]);
      }
      outputs[r][i] = sum;
    }
  }
}

}  // namespace stateutils::ckpt::protect
