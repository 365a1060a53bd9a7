#include "qmc/numpy_sfc64.hpp"

#include <bit>

namespace stateutils::qmc {
namespace {

// numpy/random/bit_generator.pyx, after O'Neill's seed_seq_fe.
constexpr std::uint32_t kInitA = 0x43b0d7e5, kMultA = 0x931e8875;
constexpr std::uint32_t kInitB = 0x8b51f9dd, kMultB = 0x58f38ded;
constexpr std::uint32_t kMixL = 0xca01f9dd, kMixR = 0x4973f715;

struct Hasher {
  std::uint32_t constant = kInitA;
  std::uint32_t operator()(std::uint32_t value) {
    value ^= constant;
    constant *= kMultA;
    value *= constant;
    return value ^ value >> 16;
  }
};

std::uint32_t mix(std::uint32_t x, std::uint32_t y) {
  const std::uint32_t result = kMixL * x - kMixR * y;
  return result ^ result >> 16;
}

}  // namespace

std::array<std::uint64_t, 3> numpy_seed_sequence(std::uint64_t seed) {
  const std::array<std::uint32_t, 4> entropy = {static_cast<std::uint32_t>(seed),
                                                static_cast<std::uint32_t>(seed >> 32), 0, 0};
  std::array<std::uint32_t, 4> pool{};
  Hasher hash;
  for (std::size_t i = 0; i < 4; ++i) pool[i] = hash(entropy[i]);
  for (std::size_t from = 0; from < 4; ++from) {
    for (std::size_t to = 0; to < 4; ++to) {
      if (from != to) pool[to] = mix(pool[to], hash(pool[from]));
    }
  }
  std::array<std::uint64_t, 3> state{};
  std::uint32_t constant = kInitB;
  for (std::size_t i = 0; i < 6; ++i) {
    std::uint32_t value = pool[i % 4] ^ constant;
    constant *= kMultB;
    value *= constant;
    value ^= value >> 16;
    state[i / 2] |= static_cast<std::uint64_t>(value) << (i % 2 * 32);
  }
  return state;
}

NumpySfc64::NumpySfc64(std::uint64_t seed) {
  const auto state = numpy_seed_sequence(seed);
  a_ = state[0];
  b_ = state[1];
  c_ = state[2];
  for (int i = 0; i < 12; ++i) (void)u64();
}

std::uint64_t NumpySfc64::u64() {
  const std::uint64_t out = a_ + b_ + counter_++;
  a_ = b_ ^ b_ >> 11;
  b_ = c_ + (c_ << 3);
  c_ = std::rotl(c_, 24) + out;
  return out;
}

std::uint32_t NumpySfc64::u32() {
  if (kept_) {
    const std::uint32_t value = *kept_;
    kept_.reset();
    return value;
  }
  const std::uint64_t word = u64();
  kept_ = static_cast<std::uint32_t>(word >> 32);
  return static_cast<std::uint32_t>(word);
}

std::uint64_t NumpySfc64::integer(unsigned bits) {
  return bits <= 32 ? u32() >> (32 - bits) : u64() >> (64 - bits);
}

}  // namespace stateutils::qmc
