#include "core/rng.hpp"

namespace stateutils::core {

std::uint32_t Rng::u32() {
  if (left_ == 0) {
    const PhiloxBlock counter{
        static_cast<std::uint32_t>(next_), static_cast<std::uint32_t>(next_ >> 32),
        static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)};
    block_ = philox4x32(counter, static_cast<std::uint32_t>(seed_),
                        static_cast<std::uint32_t>(seed_ >> 32));
    ++next_;
    left_ = 4;
  }
  return block_[static_cast<std::size_t>(4 - left_--)];
}

std::uint64_t Rng::u64() {
  const std::uint64_t low = u32();
  return low | static_cast<std::uint64_t>(u32()) << 32;
}

// Multiply-shift with rejection of the short last interval (Lemire, "Fast random integer
// generation in an interval", TOMACS 29(1), 2019, algorithm 5).
std::uint64_t Rng::below(std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(u64()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t short_interval = (0 - bound) % bound;  // 2^64 mod bound
    while (static_cast<std::uint64_t>(product) < short_interval) {
      product = static_cast<Wide>(u64()) * bound;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Rng::unit() {
  return static_cast<double>(u64() >> 11) * 0x1p-53;
}

}  // namespace stateutils::core
