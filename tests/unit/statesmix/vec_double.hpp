// The kernels' vector in double precision, with libm's functions: the same passes, fine enough for
// a check against finite differences.
#pragma once

#include <cmath>
#include <cstdint>

namespace stateutils::statesmix {

struct VecDouble {
  using Real = double;
  static constexpr int kBlock = 4;
  double lane[16];

  template <class F>
  static VecDouble each(F f) {
    VecDouble r;
    for (int i = 0; i < 16; ++i) r.lane[i] = f(i);
    return r;
  }
  static VecDouble set(double x) {
    return each([&](int) { return x; });
  }
  static VecDouble load(const double* p) {
    return each([&](int i) { return p[i]; });
  }
  void store(double* p) const {
    for (int i = 0; i < 16; ++i) p[i] = lane[i];
  }
  friend VecDouble operator+(const VecDouble& a, const VecDouble& b) {
    return each([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  friend VecDouble operator-(const VecDouble& a, const VecDouble& b) {
    return each([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  friend VecDouble operator*(const VecDouble& a, const VecDouble& b) {
    return each([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  friend VecDouble operator/(const VecDouble& a, const VecDouble& b) {
    return each([&](int i) { return a.lane[i] / b.lane[i]; });
  }
  static VecDouble max(const VecDouble& a, const VecDouble& b) {
    return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static VecDouble min(const VecDouble& a, const VecDouble& b) {
    return each([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  static VecDouble sqrt(const VecDouble& a) {
    return each([&](int i) { return std::sqrt(a.lane[i]); });
  }
  static VecDouble flush(const VecDouble& a) { return a; }
  static VecDouble root_seed(const VecDouble& a) {
    return each([&](int i) { return 1 / std::sqrt(a.lane[i]); });
  }
  static VecDouble native_exp(const VecDouble& a) {
    return each([&](int i) { return std::exp(a.lane[i]); });
  }
  static VecDouble native_log1p(const VecDouble& a) {
    return each([&](int i) { return std::log1p(a.lane[i]); });
  }
  [[nodiscard]] double reduce() const {
    double sum = 0;
    for (const double x : lane) sum += x;
    return sum;
  }
  [[nodiscard]] double reduce_max() const {
    double m = lane[0];
    for (const double x : lane) m = x > m ? x : m;
    return m;
  }
  static void to_int(const VecDouble& a, std::int32_t* out) {
    for (int i = 0; i < 16; ++i) out[i] = static_cast<std::int32_t>(a.lane[i]);
  }
};

}  // namespace stateutils::statesmix
