// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11, section 3.3).
// The value at a counter depends on nothing else, so slices and threads share no state.
#pragma once

#include <array>
#include <cstdint>

namespace stateutils::core {

using PhiloxBlock = std::array<std::uint32_t, 4>;

// One block: counter c0..c3, key k0, k1. Counter 0 key 0 gives 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
[[nodiscard]] constexpr PhiloxBlock philox4x32(PhiloxBlock counter, std::uint32_t k0,
                                               std::uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = 0xD2511F53ull * counter[0];
    const std::uint64_t p1 = 0xCD9E8D57ull * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ k0, static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ k1, static_cast<std::uint32_t>(p0)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return counter;
}

// A sequential view of one stream: (seed, stream) fixes the sequence, position() can be set.
class Rng {
 public:
  Rng(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  [[nodiscard]] std::uint32_t u32();
  [[nodiscard]] std::uint64_t u64();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);  // unbiased, by rejection; bound >= 1
  [[nodiscard]] double unit();                             // [0,1), 53 bits
  [[nodiscard]] bool chance(double p) { return unit() < p; }
  void seek(std::uint64_t block) { next_ = block, left_ = 0; }

 private:
  std::uint64_t seed_, stream_, next_ = 0;
  PhiloxBlock block_{};
  int left_ = 0;
};

}  // namespace stateutils::core
