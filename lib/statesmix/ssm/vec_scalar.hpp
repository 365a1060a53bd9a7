// The reference vector: 16 lanes as an array. Other vectors must give the same bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace stateutils::statesmix {

struct VecScalar {
  using Real = float;
  static constexpr int kBlock = 4;
  float lane[16];

  static VecScalar set(float f) {
    VecScalar r;
    for (float& x : r.lane) x = f;
    return r;
  }
  static VecScalar load(const float* p) {
    VecScalar r;
    for (int i = 0; i < 16; ++i) r.lane[i] = p[i];
    return r;
  }
  void store(float* p) const {
    for (int i = 0; i < 16; ++i) p[i] = lane[i];
  }
  template <class F>
  static VecScalar each(const VecScalar& a, const VecScalar& b, F f) {
    VecScalar r;
    for (int i = 0; i < 16; ++i) r.lane[i] = f(a.lane[i], b.lane[i]);
    return r;
  }
  friend VecScalar operator+(const VecScalar& a, const VecScalar& b) {
    return each(a, b, [](float x, float y) { return x + y; });
  }
  friend VecScalar operator-(const VecScalar& a, const VecScalar& b) {
    return each(a, b, [](float x, float y) { return x - y; });
  }
  friend VecScalar operator*(const VecScalar& a, const VecScalar& b) {
    return each(a, b, [](float x, float y) { return x * y; });
  }
  friend VecScalar operator/(const VecScalar& a, const VecScalar& b) {
    return each(a, b, [](float x, float y) { return x / y; });
  }
  static VecScalar max(const VecScalar& a, const VecScalar& b) {
    return each(a, b, [](float x, float y) { return x > y ? x : y; });
  }
  static VecScalar min(const VecScalar& a, const VecScalar& b) {
    return each(a, b, [](float x, float y) { return x < y ? x : y; });
  }
  // IEEE 754 square roots are correctly rounded, std::sqrt on float included.
  static VecScalar sqrt(const VecScalar& a) {
    return each(a, a, [](float x, float) { return std::sqrt(x); });
  }
  static VecScalar root_seed(const VecScalar& a) {
    return each(a, a, [](float x, float) {
      return std::bit_cast<float>(0x5F3759DFu - (std::bit_cast<std::uint32_t>(x) >> 1));
    });
  }
  // Magnitudes under 2^-100 become zero, so that no subnormal can arise later.
  static VecScalar flush(const VecScalar& a) {
    return each(a, a, [](float x, float) { return std::fabs(x) < 0x1p-100f ? 0.0f : x; });
  }
  // 2^n for the n that adding 1.5 * 2^23 left in the low mantissa bits.
  static VecScalar power_of_two(const VecScalar& a) {
    return each(a, a, [](float x, float) {
      return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) << 23) + 0x3F800000u);
    });
  }
  [[nodiscard]] float reduce() const {
    float s[16];
    for (int i = 0; i < 16; ++i) s[i] = lane[i];
    for (int half = 8; half >= 1; half /= 2) {
      for (int i = 0; i < half; ++i) s[i] = s[i] + s[i + half];
    }
    return s[0];
  }
  [[nodiscard]] float reduce_max() const {
    float m = lane[0];
    for (const float x : lane) m = x > m ? x : m;
    return m;
  }
  // int(x) toward zero, for x in [0, 2^30].
  static void to_int(const VecScalar& a, std::int32_t* out) {
    for (int i = 0; i < 16; ++i) out[i] = static_cast<std::int32_t>(a.lane[i]);
  }
};

}  // namespace stateutils::statesmix
