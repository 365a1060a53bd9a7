#include "statesmix/cm/counter_states.hpp"

#include <array>

namespace stateutils::statesmix {
namespace {

constexpr int kMaxCount = 31;
// What is left of the other count when it exceeds 2 and is contradicted.
constexpr std::array<std::uint8_t, 32> kKept = {0, 1, 2, 2, 3, 3,  4,  4,  5,  5, 6,
                                                6, 6, 7, 7, 7, 7,  8,  8,  8,  8, 8,
                                                9, 9, 9, 9, 9, 10, 10, 10, 10, 10};

struct History {
  int n0, n1, last;
};

int pack(const History& h) {
  return (h.n0 * 32 + h.n1) * 4 + h.last;
}

History seen(History h, int bit) {
  int& same = bit != 0 ? h.n1 : h.n0;
  int& other = bit != 0 ? h.n0 : h.n1;
  if (same < kMaxCount) ++same;
  if (other > 2) other = kKept[static_cast<std::size_t>(other)];
  h.last = ((h.last << 1) | bit) & 3;
  return h;
}

}  // namespace

CounterStates::CounterStates() {
  std::vector<int> number(32 * 32 * 4, -1);
  std::vector<History> found{{0, 0, 0}};
  number[0] = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const History h = found[i];
    std::uint32_t both = 0;
    for (int bit = 0; bit < 2; ++bit) {
      const History to = seen(h, bit);
      int& id = number[static_cast<std::size_t>(pack(to))];
      if (id < 0) {
        id = static_cast<int>(found.size());
        found.push_back(to);
      }
      both |= static_cast<std::uint32_t>(id) << (16 * bit);
    }
    next.push_back(both);
    // In fifths: (n1 + 2/5) / (n0 + n1 + 4/5).
    const std::uint64_t p = (std::uint64_t{1} << 22) * static_cast<std::uint64_t>(5 * h.n1 + 2) /
                            static_cast<std::uint64_t>(5 * (h.n0 + h.n1) + 4);
    start.push_back(static_cast<std::uint32_t>(p));
  }
}

const CounterStates& counter_states() {
  static const CounterStates states;
  return states;
}

}  // namespace stateutils::statesmix
