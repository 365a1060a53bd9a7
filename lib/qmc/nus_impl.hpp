// The loop of nested scrambling for any vector width; included by the kernel files only. `V` holds
// 64-bit lanes: load, store, set1, multiply (low halves), shift_right<n>, shift_left<n>,
// shift_right_by (per lane), exclusive_or, exclusive_or3, and_, or_, append_bit, lookup (the entry
// in the lowest 16 bits, noise above).
#pragma once

#include "qmc/nus.hpp"

namespace stateutils::qmc {
namespace {

template <class V>
struct NusLanes {
  using Reg = typename V::Reg;

  // Philox4x32-10 on counters whose index_lo differs by lane; the four words live in the low
  // halves, the high halves are noise. What the other words of the counter become is the same for
  // all lanes: all of the first round but one product, and half of the second.
  struct State {
    Reg x0, x1, x2, x3;

    static State second(const NusColumn& column, Reg index_lo, std::uint32_t index_hi, Tag tag) {
      const auto key = [&](int round, int word) {
        return static_cast<std::uint32_t>(column.keys[round][word]);
      };
      const std::uint64_t fixed = 0xCD9E8D57ull * column.dim;
      const std::uint32_t x0 = static_cast<std::uint32_t>(fixed >> 32) ^ index_hi ^ key(0, 0);
      const std::uint32_t c3 = static_cast<std::uint32_t>(tag) << 24 | column.replication;
      const Reg product = V::multiply(V::set1(0xD2511F53u), index_lo);
      const Reg x2 = V::exclusive_or(V::template shift_right<32>(product), V::set1(c3 ^ key(0, 1)));
      const std::uint64_t p0 = 0xD2511F53ull * x0;
      const Reg p1 = V::multiply(V::set1(0xCD9E8D57u), x2);
      return {V::exclusive_or(V::template shift_right<32>(p1),
                              V::set1(static_cast<std::uint32_t>(fixed) ^ key(1, 0))),
              p1,
              V::exclusive_or(product, V::set1(static_cast<std::uint32_t>(p0 >> 32) ^ key(1, 1))),
              V::set1(static_cast<std::uint32_t>(p0))};
    }
    void round(const NusColumn& column, int number) {
      const Reg p0 = V::multiply(V::set1(0xD2511F53u), x0);
      const Reg p1 = V::multiply(V::set1(0xCD9E8D57u), x2);
      const Reg key0 = V::set1_64(column.keys[number][0]);
      const Reg key1 = V::set1_64(column.keys[number][1]);
      x0 = V::exclusive_or3(V::template shift_right<32>(p1), x1, key0);
      x2 = V::exclusive_or3(V::template shift_right<32>(p0), x3, key1);
      x1 = p1;
      x3 = p0;
    }
    static Reg join(Reg low, Reg high) {
      return V::or_(V::and_(low, V::set1(0xFFFFFFFFu)), V::template shift_left<32>(high));
    }
    Reg lo() const { return join(x0, x1); }
    Reg hi() const { return join(x2, x3); }
  };

  // Two blocks at a time: the rounds of one fill the waiting times of the other.
  static void run(const NusColumn& column, State& a, State& b) {
#pragma GCC unroll 8
    for (int number = 2; number < 10; ++number) {
      a.round(column, number);
      b.round(column, number);
    }
  }

  // One more flip at the bottom of `flips`: the bit of `word` at `node` (heap index minus 1).
  static Reg append(Reg flips, Reg word, Reg node) {
    return V::append_bit(flips, V::shift_right_by(word, node));
  }

  // Seven flips, the first level highest; `digits` holds the six digits behind the prefix.
  static Reg seven(const State& block, Reg digits) {
    const Reg heap = V::or_(digits, V::set1(64));
    const Reg tree = V::template shift_left<1>(block.lo());  // root at bit 1
    Reg flips = V::set1(0);
    flips = append(flips, tree, V::set1(1));
    flips = append(flips, tree, V::template shift_right<5>(heap));
    flips = append(flips, tree, V::template shift_right<4>(heap));
    flips = append(flips, tree, V::template shift_right<3>(heap));
    flips = append(flips, tree, V::template shift_right<2>(heap));
    flips = append(flips, tree, V::template shift_right<1>(heap));
    return append(flips, block.hi(), digits);
  }

  // Four flips of levels 28..31, from the lowest 15 bits of a block; `digits` holds the three
  // digits behind the prefix.
  static Reg four(Reg low, Reg digits) {
    const Reg heap = V::or_(digits, V::set1(8));
    const Reg tree = V::template shift_left<1>(low);
    Reg flips = V::set1(0);
    flips = append(flips, tree, V::set1(1));
    flips = append(flips, tree, V::template shift_right<2>(heap));
    flips = append(flips, tree, V::template shift_right<1>(heap));
    return append(flips, tree, heap);
  }

  // Inside the loop over words, so that what lanes share is made once.
  [[gnu::always_inline]] static Reg scramble(const NusColumn& column, Reg word) {
    const Reg x = V::template shift_right<32>(word), six = V::set1(63);
    const Reg entry = V::lookup(column.table, V::template shift_right<18>(x));
    const Reg top = V::template shift_right<32>(V::template shift_left<48>(entry));
    State group2 = State::second(column, V::template shift_right<18>(x), 2, Tag::kNusGroup);
    State group3 = State::second(column, V::template shift_right<11>(x), 3, Tag::kNusGroup);
    run(column, group2, group3);
    State group4 = State::second(column, V::template shift_right<4>(x), 4, Tag::kNusGroup);
    State tail = State::second(column, x, 0, Tag::kNusTail);
    run(column, group4, tail);
    const Reg flips2 = seven(group2, V::and_(V::template shift_right<12>(x), six));
    const Reg flips3 = seven(group3, V::and_(V::template shift_right<5>(x), six));
    const Reg flips4 = four(group4.x0, V::and_(V::template shift_right<1>(x), V::set1(7)));
    Reg y = V::exclusive_or3(x, top, flips4);
    y = V::exclusive_or3(y, V::template shift_left<11>(flips2), V::template shift_left<4>(flips3));
    const Reg rest = V::and_(tail.x1, V::set1(0xFFFFFFFFu));  // the upper half of the tail's lo
    y = V::or_(V::template shift_left<32>(y), rest);
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
