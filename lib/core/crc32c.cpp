// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected; RFC 3720, section 12.1).
#include <array>
#include <cstring>

#include "core/hash.hpp"

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace stateutils::core {
namespace {

constexpr std::uint32_t kReflected = 0x82F63B78u;

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[k][b]: the CRC of byte b followed by k zero bytes ("slicing by 8": Kounavis and Berry,
// IEEE ISCC 2005).
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflected : 0);
    tables[0][b] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint32_t before = tables[k - 1][b];
      tables[k][b] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

std::uint64_t load64(const unsigned char* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, 8);
  return word;
}

}  // namespace

std::uint32_t crc32c_portable(std::uint32_t crc, const void* data, std::size_t size) {
  const auto* p = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (; size >= 8; size -= 8, p += 8) {
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      next ^= kTables[7 - i][(p[i] ^ (crc >> (8 * i))) & 0xFF];
      next ^= kTables[3 - i][p[4 + i]];
    }
    crc = next;
  }
  for (; size > 0; --size, ++p) crc = (crc >> 8) ^ kTables[0][(crc ^ *p) & 0xFF];
  return ~crc;
}

#if defined(__SSE4_2__)
std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) {
  const auto* p = static_cast<const unsigned char*>(data);
  std::uint64_t wide = ~crc;
  for (; size >= 8; size -= 8, p += 8) wide = _mm_crc32_u64(wide, load64(p));
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; size > 0; --size, ++p) narrow = _mm_crc32_u8(narrow, *p);
  return ~narrow;
}
#elif defined(__ARM_FEATURE_CRC32)
std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) {
  const auto* p = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (; size >= 8; size -= 8, p += 8) crc = __crc32cd(crc, load64(p));
  for (; size > 0; --size, ++p) crc = __crc32cb(crc, *p);
  return ~crc;
}
#else
std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t size) {
  return crc32c_portable(crc, data, size);
}
#endif

}  // namespace stateutils::core
