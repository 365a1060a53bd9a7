// Exact nested uniform (Owen) scrambling in base 2 without state: every flip bit is a function of
// the seed, the replication, the dimension and the digits before it.
//
// Levels are grouped by 7. Group g (levels 7g..7g+6) with prefix q, the first 7g digits, draws one
// Philox block of index (q, g); the flips of levels 0..5 below q are the nodes of a binary heap in
// its low word (node 2^l - 1 + p), those of level 6 are bit p of its high word, p being the l
// digits behind q. Digits 32.. of 32-digit nets are those of a block of their own, keyed by all 32
// digits.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/isa.hpp"
#include "qmc/net2.hpp"
#include "qmc/points.hpp"
#include "qmc/randomness.hpp"
#include "qmc/sequences.hpp"

namespace stateutils::qmc {

// Scrambles one coordinate of a net with `rows` digits to `t` digits; both left-aligned.
[[nodiscard]] std::uint64_t nus_word(const Stream& stream, std::uint32_t dim, std::uint64_t word,
                                     unsigned rows, unsigned t);

// Flips of levels 0..13 by the first 14 digits, at the top of 16 bits; one entry more, for loads of
// 32 bits.
inline constexpr unsigned kNusTableLevels = 14;
[[nodiscard]] std::vector<std::uint16_t> nus_table(const Stream& stream, std::uint32_t dim);

// What a kernel needs for one dimension of one replication; 32-digit nets, t > 32 digits out.
struct NusColumn {
  const std::uint16_t* table;  // nus_table
  std::uint32_t dim, replication;
  std::uint64_t mask;         // of the t digits
  std::uint64_t keys[10][2];  // of Philox's rounds
};
using NusKernel = void (*)(const NusColumn& column, const std::uint64_t* words, std::size_t count,
                           std::uint64_t* out);
// Scalar when the build or the machine has no other.
[[nodiscard]] NusKernel nus_kernel(core::Isa isa);
void nus_column_scalar(const NusColumn&, const std::uint64_t*, std::size_t, std::uint64_t*);
void nus_column_avx2(const NusColumn&, const std::uint64_t*, std::size_t, std::uint64_t*);
void nus_column_avx512(const NusColumn&, const std::uint64_t*, std::size_t, std::uint64_t*);

// Laine-Karras hash in Owen's form (Burley 2020): approximates nested scrambling of 32 digits.
[[nodiscard]] std::uint32_t owen_hash(std::uint32_t word, std::uint32_t key);

// Points of `net`, whose dimensions are those of `inputs` (alpha after another for each output),
// each scrambled and then interlaced to t digits.
enum class NusKind { kExact, kHash };
[[nodiscard]] std::unique_ptr<Points> nus_points(const Net2& net, Order order,
                                                 std::vector<std::uint32_t> inputs, unsigned alpha,
                                                 unsigned t, const Stream& stream, NusKind kind);

}  // namespace stateutils::qmc
