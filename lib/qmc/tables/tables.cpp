#include "qmc/tables/tables.hpp"

namespace stateutils::qmc {
namespace {

constexpr std::uint32_t six_bits(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
  return c == '+' ? 62 : 63;
}

}  // namespace

std::uint32_t table_bits(const char* const* text, std::uint64_t position, unsigned count) {
  std::uint64_t value = 0;
  unsigned have = 0;
  for (std::uint64_t at = position / 6; have < count + position % 6; ++at, have += 6) {
    value = value << 6 | six_bits(text[at / kTableChunk][at % kTableChunk]);
  }
  const auto surplus = static_cast<unsigned>(have - count - position % 6);
  return static_cast<std::uint32_t>(value >> surplus & ((1ull << count) - 1));
}

}  // namespace stateutils::qmc
