#include "ckpt/zip/crc32.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace stateutils::ckpt {
namespace {

constexpr std::uint32_t kPolynomial = 0xedb88320;

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// Slicing by 8 (Kounavis and Berry 2005): tables[k][b] is b followed by k zero bytes.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][b] = crc;
  }
  for (std::uint32_t b = 0; b < 256; ++b) {
    for (std::size_t k = 1; k < 8; ++k) {
      tables[k][b] = (tables[k - 1][b] >> 8) ^ tables[0][tables[k - 1][b] & 0xff];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

// The raw register, without the inversions at both ends.
std::uint32_t update(std::uint32_t crc, const unsigned char* data, std::size_t size) {
  while (size >= 8) {
    std::uint32_t low = 0, high = 0;
    std::memcpy(&low, data, 4);
    std::memcpy(&high, data + 4, 4);
    low ^= crc;
    crc = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^
          kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^ kTables[2][high >> 8 & 0xff] ^
          kTables[1][high >> 16 & 0xff] ^ kTables[0][high >> 24];
    data += 8;
    size -= 8;
  }
  while (size-- > 0) crc = (crc >> 8) ^ kTables[0][(crc ^ *data++) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("pclmul,sse4.1"))) inline __m128i fold(__m128i value, __m128i constant,
                                                             __m128i next) {
  const __m128i low = _mm_clmulepi64_si128(value, constant, 0x00);
  const __m128i high = _mm_clmulepi64_si128(value, constant, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// Folds 64 bytes at a time and reduces by Barrett's method: Gopal et al., "Fast CRC Computation
// for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009, bit-reflected constants.
// `size` is a multiple of 16 and at least 64.
__attribute__((target("pclmul,sse4.1"))) std::uint32_t update_clmul(std::uint32_t crc,
                                                                    const unsigned char* data,
                                                                    std::size_t size) {
  const __m128i by_four = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_one = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const auto load = [&data](int i) __attribute__((target("pclmul,sse4.1"))) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i);
  };
  __m128i a = _mm_xor_si128(load(0), _mm_cvtsi32_si128(static_cast<int>(crc)));
  __m128i b = load(1), c = load(2), d = load(3);
  data += 64;
  size -= 64;
  while (size >= 64) {
    a = fold(a, by_four, load(0));
    b = fold(b, by_four, load(1));
    c = fold(c, by_four, load(2));
    d = fold(d, by_four, load(3));
    data += 64;
    size -= 64;
  }
  a = fold(a, by_one, b);
  a = fold(a, by_one, c);
  a = fold(a, by_one, d);
  while (size >= 16) {
    a = fold(a, by_one, load(0));
    data += 16;
    size -= 16;
  }
  const __m128i low_words = _mm_setr_epi32(-1, 0, -1, 0);
  a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by_one, 0x10));
  const __m128i k5 = _mm_set_epi64x(0, 0x0163cd6124);
  a = _mm_xor_si128(_mm_srli_si128(a, 4),
                    _mm_clmulepi64_si128(_mm_and_si128(a, low_words), k5, 0x00));
  const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  __m128i t = _mm_clmulepi64_si128(_mm_and_si128(a, low_words), barrett, 0x10);
  t = _mm_clmulepi64_si128(_mm_and_si128(t, low_words), barrett, 0x00);
  return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_xor_si128(a, t), 1));
}
#endif

// Product of two 32-bit polynomials over GF(2) modulo the CRC polynomial, bits reflected.
std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
  std::uint32_t product = 0;
  for (std::uint32_t bit = 0x80000000; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

}  // namespace

std::uint32_t crc32_portable(std::uint32_t crc, const void* data, std::size_t size) {
  return ~update(~crc, static_cast<const unsigned char*>(data), size);
}

std::uint32_t crc32(std::uint32_t crc, const void* data, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint32_t state = ~crc;
#if defined(__x86_64__)
  static const bool fast = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  if (fast && size >= 64) {
    const std::size_t whole = size / 16 * 16;
    state = update_clmul(state, bytes, whole);
    bytes += whole;
    size -= whole;
  }
#endif
  return ~update(state, bytes, size);
}

std::uint32_t crc32_join(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b) {
  // crc(A B) = crc(A) * x^(8 |B|) + crc(B); the power by squaring.
  std::uint32_t power = 0x80000000;   // x^0
  std::uint32_t square = 0x00800000;  // x^8
  for (std::uint64_t n = length_b; n != 0; n >>= 1) {
    if ((n & 1) != 0) power = multiply(power, square);
    square = multiply(square, square);
  }
  return multiply(power, crc_a) ^ crc_b;
}

}  // namespace stateutils::ckpt
