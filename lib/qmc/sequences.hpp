// Point sets of the linear kind: digital nets in base 2, lattices, Kronecker sequences, and iid
// points for comparison.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "qmc/net2.hpp"
#include "qmc/points.hpp"
#include "qmc/randomness.hpp"

namespace stateutils::qmc {

enum class Order { kNatural, kGray, kLinear };

// A net with its digital shift (one word per dimension, empty: none). Natural order is row i =
// XOR of the columns of i's bits; Gray order takes i ^ (i >> 1).
[[nodiscard]] std::unique_ptr<Points> net_points(const Net2& net, Order order,
                                                 std::vector<std::uint64_t> shift);

// A rank-1 lattice in 64-bit fixed point: natural order frac(phi_2(i) g_j + shift_j), phi_2 the
// base-2 radical inverse; Gray order takes i ^ (i >> 1); linear order frac(i g_j / total).
[[nodiscard]] std::unique_ptr<Points> lattice_points(std::vector<std::uint64_t> generator,
                                                     Order order, std::uint64_t total,
                                                     std::vector<std::uint64_t> shift);

// Row i is i times the constants, modulo 1.
[[nodiscard]] std::unique_ptr<Points> kronecker_points(std::vector<std::uint64_t> constants,
                                                       std::vector<std::uint64_t> shift);
// floor(2^64 phi^-j) for j = 1..d, phi > 1 the root of phi^(d+1) = phi + 1.
[[nodiscard]] std::vector<std::uint64_t> kronecker_constants(std::uint32_t d);

[[nodiscard]] std::unique_ptr<Points> iid_points(std::vector<std::uint32_t> dims, Stream stream);

// The first `dims.size()` entries of the built-in lattice vector chosen by `dims` (from 0).
inline constexpr std::uint32_t kLatticeDimensions = 9125;
inline constexpr std::uint64_t kLatticePoints = 1ull << 20;
[[nodiscard]] std::vector<std::uint64_t> built_in_lattice(std::span<const std::uint32_t> dims);

[[nodiscard]] constexpr std::uint64_t reverse_bits(std::uint64_t x) {
  x = (x >> 1 & 0x5555555555555555u) | (x & 0x5555555555555555u) << 1;
  x = (x >> 2 & 0x3333333333333333u) | (x & 0x3333333333333333u) << 2;
  x = (x >> 4 & 0x0F0F0F0F0F0F0F0Fu) | (x & 0x0F0F0F0F0F0F0F0Fu) << 4;
  return __builtin_bswap64(x);
}

}  // namespace stateutils::qmc
