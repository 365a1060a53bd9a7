// Elementary functions and the two shapes of a sum, over a vector type V of 16 lanes.
//
// Reduction: lane j adds elements j, j + 16, ..., then lanes are added by a tree 8-4-2-1
// (V::reduce). Broadcast: every output adds its own terms in ascending index, outputs side by side
// in lanes. exp and friends are polynomials of + - * / and bit moves, with clamped arguments, so
// that neither infinity nor NaN can arise.
#pragma once

namespace stateutils::statesmix {

// exp(x), x clamped to [-87, 87]; about 1 ulp (Cephes expf's reduction and polynomial).
template <class V>
inline V exp_of(V x) {
  if constexpr (requires { V::native_exp(x); }) {
    return V::native_exp(x);
  } else {
    x = V::min(V::max(x, V::set(-87.0f)), V::set(87.0f));
    // Adding 1.5 * 2^23 leaves the rounded integer in the low bits of the mantissa.
    const V magic = V::set(12582912.0f);
    const V shifted = x * V::set(1.44269504f) + magic;
    const V n = shifted - magic;
    const V r = (x - n * V::set(0.693359375f)) - n * V::set(-2.12194440e-4f);
    V p = V::set(1.9875691500e-4f);
    p = p * r + V::set(1.3981999507e-3f);
    p = p * r + V::set(8.3334519073e-3f);
    p = p * r + V::set(4.1665795894e-2f);
    p = p * r + V::set(1.6666665459e-1f);
    p = p * r + V::set(5.0000001201e-1f);
    p = (p * (r * r) + r) + V::set(1.0f);
    return p * V::power_of_two(shifted);
  }
}

// 1 / sqrt(x) for x in [2^-40, 2^100], good to 5e-6: a seed from the exponent (Lomont 2003) and two
// Newton steps, several times cheaper than a correctly rounded square root and a division.
template <class V>
inline V inverse_root_of(V x) {
  const V half = V::set(0.5f) * x;
  V y = V::root_seed(x);
  y = y * (V::set(1.5f) - half * (y * y));
  return y * (V::set(1.5f) - half * (y * y));
}

template <class V>
inline V sigmoid_of(V x) {
  return V::set(1.0f) / (V::set(1.0f) + exp_of(V::set(0.0f) - x));
}

// softplus(x) = max(x, 0) + ln(1 + e), e = exp(-|x|); ln(1 + e) = 2 artanh(e / (2 + e)), whose
// argument is at most 1/3: the series to s^15 is good to 1e-9.
template <class V>
inline V softplus_of(V x) {
  const V e = exp_of(V::min(x, V::set(0.0f) - x));
  const V s = e / (V::set(2.0f) + e);
  const V s2 = s * s;
  if constexpr (requires { V::native_log1p(e); }) {
    return V::max(x, V::set(0.0f)) + V::native_log1p(e);
  } else {
    V p = V::set(1.0f / 15);
    p = p * s2 + V::set(1.0f / 13);
    p = p * s2 + V::set(1.0f / 11);
    p = p * s2 + V::set(1.0f / 9);
    p = p * s2 + V::set(1.0f / 7);
    p = p * s2 + V::set(1.0f / 5);
    p = p * s2 + V::set(1.0f / 3);
    p = p * s2 + V::set(1.0f);
    return V::max(x, V::set(0.0f)) + (s + s) * p;
  }
}

}  // namespace stateutils::statesmix
