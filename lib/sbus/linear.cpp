#include "sbus/linear.hpp"

#include <algorithm>
#include <cstring>

namespace stateutils::sbus {
namespace {

// Exact set of (bit set, state); the bit sets lie one after the other in one block.
class Visited {
 public:
  explicit Visited(std::size_t words) : words_(words), slots_(1024, 0) {}

  // False when the pair was there already.
  bool insert(const std::vector<std::uint64_t>& bits, std::uint64_t hash, std::uint32_t state) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    hash = mixed(hash, state);
    std::size_t i = hash & (slots_.size() - 1);
    for (; slots_[i] != 0; i = (i + 1) & (slots_.size() - 1)) {
      const std::size_t entry = slots_[i] - 1;
      if (hashes_[entry] == hash && states_[entry] == state &&
          std::memcmp(&bits_[entry * words_], bits.data(), words_ * sizeof(std::uint64_t)) == 0) {
        return false;
      }
    }
    slots_[i] = ++count_;
    hashes_.push_back(hash);
    states_.push_back(state);
    bits_.insert(bits_.end(), bits.begin(), bits.end());
    return true;
  }

 private:
  static std::uint64_t mixed(std::uint64_t hash, std::uint32_t state) {
    hash ^= (state + 1) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 31;
    return hash * 0xBF58476D1CE4E5B9u;
  }
  void grow() {
    slots_.assign(slots_.size() * 2, 0);
    for (std::size_t entry = 0; entry < count_; ++entry) {
      std::size_t i = hashes_[entry] & (slots_.size() - 1);
      while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = entry + 1;
    }
  }

  std::size_t words_, count_ = 0;
  std::vector<std::size_t> slots_;
  std::vector<std::uint64_t> hashes_, bits_;
  std::vector<std::uint32_t> states_;
};

constexpr std::uint32_t kNoEntry = UINT32_MAX;

// Calls and returns in the order of time, as a doubly linked list from which pairs are lifted.
// Node 2 i is the call of op i, 2 i + 1 its return, and the last node is the head.
class EventList {
 public:
  explicit EventList(const std::vector<LinearOp>& ops)
      : head_(static_cast<std::uint32_t>(ops.size() * 2)),
        next_(ops.size() * 2 + 1, kNoEntry),
        previous_(ops.size() * 2 + 1, kNoEntry) {
    std::vector<std::uint32_t> order(ops.size() * 2);
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto time = [&](std::uint32_t node) {
      const LinearOp& op = ops[node / 2];
      return node % 2 == 0 ? op.start : op.required ? op.end : INT64_MAX;
    };
    // At one instant calls come first: operations that touch are concurrent.
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t x, std::uint32_t y) {
      return std::pair(time(x), x % 2) < std::pair(time(y), y % 2);
    });
    std::uint32_t last = head_;
    for (const std::uint32_t node : order) {
      next_[last] = node;
      previous_[node] = last;
      last = node;
    }
  }
  [[nodiscard]] std::uint32_t first() const { return next_[head_]; }
  [[nodiscard]] std::uint32_t next(std::uint32_t node) const { return next_[node]; }
  void lift(std::uint32_t op) {
    unlink(op * 2);
    unlink(op * 2 + 1);
  }
  void put_back(std::uint32_t op) {
    relink(op * 2 + 1);
    relink(op * 2);
  }

 private:
  void unlink(std::uint32_t node) {
    next_[previous_[node]] = next_[node];
    if (next_[node] != kNoEntry) previous_[next_[node]] = previous_[node];
  }
  void relink(std::uint32_t node) {
    next_[previous_[node]] = node;
    if (next_[node] != kNoEntry) previous_[next_[node]] = node;
  }
  std::uint32_t head_;
  std::vector<std::uint32_t> next_, previous_;
};

}  // namespace

Verdict check_linear(const std::vector<LinearOp>& ops, std::uint32_t initial,
                     const LinearStep& step, std::uint64_t& steps) {
  struct Frame {
    std::uint32_t op, state;
  };
  EventList events(ops);
  std::size_t open = 0;  // required operations not linearized yet
  for (const LinearOp& op : ops) open += op.required ? 1 : 0;
  std::vector<std::uint64_t> done((ops.size() + 63) / 64);
  std::uint64_t hash = 0;
  const auto flip = [&](std::uint32_t op) {
    done[op / 64] ^= std::uint64_t{1} << (op % 64);
    std::uint64_t z = (op + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    hash ^= z ^ (z >> 27);
  };
  Visited visited(done.size());
  std::vector<Frame> stack;
  std::uint32_t state = initial;
  std::uint32_t node = events.first();
  while (open != 0) {
    if (steps == 0) return Verdict::kUnknown;
    --steps;
    if (node != kNoEntry && node % 2 == 0) {
      const std::uint32_t op = node / 2;
      const auto after = step(state, op);
      bool taken = false;
      if (after) {
        flip(op);
        taken = visited.insert(done, hash, *after);
        if (!taken) flip(op);
      }
      if (!taken) {
        node = events.next(node);
        continue;
      }
      stack.push_back({op, state});
      state = *after;
      open -= ops[op].required ? 1u : 0u;
      events.lift(op);
      node = events.first();
      continue;
    }
    // An operation returned before it could take effect: take the last choice back.
    if (stack.empty()) return Verdict::kInvalid;
    const Frame last = stack.back();
    stack.pop_back();
    state = last.state;
    flip(last.op);
    open += ops[last.op].required ? 1u : 0u;
    events.put_back(last.op);
    node = events.next(last.op * 2);
  }
  return Verdict::kValid;
}

}  // namespace stateutils::sbus
