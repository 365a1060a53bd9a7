// The loop of nested scrambling for any vector width; included by the kernel files only. `V` holds
// 64-bit lanes: load, store, set1, multiply (low halves), shift_right<n>, shift_left<n>,
// shift_right_by (per lane), exclusive_or, exclusive_or3, and_, or_, add, lookup (32-bit table).
#pragma once

#include "qmc/nus.hpp"

namespace stateutils::qmc {
namespace {

template <class V>
struct NusLanes {
  using Reg = typename V::Reg;

  struct Block {
    Reg lo, hi;
  };

  // Philox4x32-10 with per-lane index_lo; counters live in the low halves, high halves are noise.
  // The first round of the half that holds (dim, tag) is the same for all lanes.
  static Block philox(const NusColumn& column, Reg index_lo, std::uint32_t index_hi, Tag tag) {
    const Reg m0 = V::set1(0xD2511F53u), m1 = V::set1(0xCD9E8D57u);
    const std::uint64_t fixed = 0xCD9E8D57ull * column.dim;
    const std::uint32_t c3 = static_cast<std::uint32_t>(tag) << 24 | column.replication;
    const Reg first = V::multiply(m0, index_lo);
    Reg x0 = V::set1(static_cast<std::uint32_t>(fixed >> 32) ^ index_hi ^
                     static_cast<std::uint32_t>(column.keys[0][0]));
    Reg x1 = V::set1(static_cast<std::uint32_t>(fixed));
    Reg x2 = V::exclusive_or(V::template shift_right<32>(first),
                             V::set1(c3 ^ static_cast<std::uint32_t>(column.keys[0][1])));
    Reg x3 = first;
#pragma GCC unroll 9
    for (int round = 1; round < 10; ++round) {
      const Reg p0 = V::multiply(m0, x0), p1 = V::multiply(m1, x2);
      x0 = V::exclusive_or3(V::template shift_right<32>(p1), x1, V::set1_64(column.keys[round][0]));
      x2 = V::exclusive_or3(V::template shift_right<32>(p0), x3, V::set1_64(column.keys[round][1]));
      x1 = p1;
      x3 = p0;
    }
    const Reg low = V::set1(0xFFFFFFFFu);
    return {V::or_(V::and_(x0, low), V::template shift_left<32>(x1)),
            V::or_(V::and_(x2, low), V::template shift_left<32>(x3))};
  }

  // One more flip at the bottom of `flips`: the bit of `word` at `node` (heap index minus 1).
  static Reg append(Reg flips, Reg word, Reg node) {
    return V::append_bit(flips, V::shift_right_by(word, node));
  }

  // Seven flips, the first level highest; `digits` holds the six digits behind the prefix.
  static Reg seven(const Block& block, Reg digits) {
    const Reg heap = V::or_(digits, V::set1(64));
    const Reg tree = V::template shift_left<1>(block.lo);  // root at bit 1
    Reg flips = V::set1(0);
    flips = append(flips, tree, V::set1(1));
    flips = append(flips, tree, V::template shift_right<5>(heap));
    flips = append(flips, tree, V::template shift_right<4>(heap));
    flips = append(flips, tree, V::template shift_right<3>(heap));
    flips = append(flips, tree, V::template shift_right<2>(heap));
    flips = append(flips, tree, V::template shift_right<1>(heap));
    return append(flips, block.hi, digits);
  }

  // Four flips of levels 28..31; `digits` holds the three digits behind the prefix.
  static Reg four(Reg lo, Reg digits) {
    const Reg heap = V::or_(digits, V::set1(8));
    const Reg tree = V::template shift_left<1>(lo);
    Reg flips = V::set1(0);
    flips = append(flips, tree, V::set1(1));
    flips = append(flips, tree, V::template shift_right<2>(heap));
    flips = append(flips, tree, V::template shift_right<1>(heap));
    return append(flips, tree, heap);
  }

  static Reg scramble(const NusColumn& column, Reg word) {
    const Reg x = V::template shift_right<32>(word), six = V::set1(63);
    const Reg top = V::lookup(column.table, V::template shift_right<18>(x));
    const Block group2 = philox(column, V::template shift_right<18>(x), 2, Tag::kNusGroup);
    const Block group3 = philox(column, V::template shift_right<11>(x), 3, Tag::kNusGroup);
    const Block group4 = philox(column, V::template shift_right<4>(x), 4, Tag::kNusGroup);
    const Block tail = philox(column, x, 0, Tag::kNusTail);
    const Reg flips2 = seven(group2, V::and_(V::template shift_right<12>(x), six));
    const Reg flips3 = seven(group3, V::and_(V::template shift_right<5>(x), six));
    const Reg flips4 = four(group4.lo, V::and_(V::template shift_right<1>(x), V::set1(7)));
    Reg y = V::exclusive_or3(x, top, flips4);
    y = V::exclusive_or3(y, V::template shift_left<11>(flips2), V::template shift_left<4>(flips3));
    y = V::or_(V::template shift_left<32>(y), V::template shift_right<32>(tail.lo));
    return V::and_(y, V::set1_64(column.mask));
  }
};

template <class V>
void nus_column(const NusColumn& column, const std::uint64_t* words, std::size_t count,
                std::uint64_t* out) {
  std::size_t i = 0;
  for (; i + V::kLanes <= count; i += V::kLanes) {
    V::store(out + i, NusLanes<V>::scramble(column, V::load(words + i)));
  }
  if (i == count) return;
  std::uint64_t rest[V::kLanes] = {};
  for (std::size_t k = i; k < count; ++k) rest[k - i] = words[k];
  V::store(rest, NusLanes<V>::scramble(column, V::load(rest)));
  for (std::size_t k = i; k < count; ++k) out[k] = rest[k - i];
}

}  // namespace
}  // namespace stateutils::qmc
