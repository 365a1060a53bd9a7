// NumPy's SeedSequence and SFC64 as far as QMCPy's randomizations use them, so that its numbers
// can be had again.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace stateutils::qmc {

// Entropy pool hashing of numpy.random.SeedSequence(seed).generate_state(words, uint64).
[[nodiscard]] std::array<std::uint64_t, 3> numpy_seed_sequence(std::uint64_t seed);

// Generator(SFC64(seed)): Chris Doty-Humphrey's small fast chaotic generator.
class NumpySfc64 {
 public:
  explicit NumpySfc64(std::uint64_t seed);
  [[nodiscard]] std::uint64_t u64();
  // 32-bit draws use the low half of a word first and keep the high one.
  [[nodiscard]] std::uint32_t u32();
  // Generator.integers(0, 2^bits): bits <= 32 by 32-bit draws, else the top bits of a word.
  [[nodiscard]] std::uint64_t integer(unsigned bits);

 private:
  std::uint64_t a_, b_, c_, counter_ = 1;
  std::optional<std::uint32_t> kept_;
};

}  // namespace stateutils::qmc
