#include "statesmix/cm/ngram_config.hpp"

#include <algorithm>

#include "statesmix/cm/counter_bank.hpp"
#include "statesmix/cm/match_model.hpp"
#include "statesmix/cm/mix_layer.hpp"
#include "statesmix/cm/refiner.hpp"

namespace stateutils::statesmix {

SelectorShape selector_shape(Selector s) {
  switch (s) {
    case Selector::kPartial:
      return {1, true, false, false};
    case Selector::kMatchPartial:
      return {8, true, false, false};
    case Selector::kSsmPartial:
      return {8, true, true, false};
    case Selector::kOrderBit:
    case Selector::kRunsBit:
      return {64, false, true, true};
    case Selector::kSsmTop:
      return {64, false, true, false};
    case Selector::kClassPartial:
    case Selector::kWordLength:
    case Selector::kBracketPartial:
      return {16, true, false, false};
    case Selector::kMatchBit:
      return {32, false, false, false};
    case Selector::kByteBit:
    case Selector::kByte2Bit:
    case Selector::kClassesBit:
    case Selector::kAboveBit:
    case Selector::kByte3Bit:
    case Selector::kWordBit:
      return {256, false, false, false};
    case Selector::kMissesBit:
      return {256, false, true, false};
    case Selector::kOrder2Bit:
      return {1024, false, false, false};
    case Selector::kInWordPartial:
      return {2, true, false, false};
    case Selector::kColumnBit:
      return {64, false, false, false};
    case Selector::kExpected:
      return {257, false, false, false};
    case Selector::kCount:
      break;
  }
  return {1, true, false, false};
}

int NgramConfig::counter_inputs() const {
  return static_cast<int>(counters()) * (linear ? 2 : 1);
}

int NgramConfig::inputs() const {
  const auto n = static_cast<int>(runs.size() + match_inputs() * match_lengths.size());
  return counter_inputs() + n + external + (bias ? 1 : 0);
}

// Contexts with few values: buckets that stay empty would cost page faults and cache.
int NgramConfig::bits(Context c) const {
  switch (c) {
    case Context::kOrder2:
    case Context::kSparse23:
    case Context::kSparse24:
    case Context::kNibbles:
      return std::min(16, table_bits);
    case Context::kOrder3:
    case Context::kWord:
    case Context::kColumn:
      return std::min(17, table_bits);
    default:
      return table_bits;
  }
}

std::vector<std::string> NgramConfig::components() const {
  std::vector<std::string> names;
  for (const Context c : contexts) names.emplace_back(context_name(c));
  names.emplace_back("order1");
  if (order0) names.emplace_back("order0");
  for (const Context c : runs) names.push_back("run_" + std::string(context_name(c)));
  for (const std::uint32_t n : match_lengths) names.push_back("match" + std::to_string(n));
  return names;
}

std::vector<std::size_t> NgramConfig::component_inputs(std::size_t component) const {
  const std::size_t all = counters();
  const auto first_run = static_cast<std::size_t>(counter_inputs());
  if (component < all) {
    std::vector<std::size_t> inputs{component};
    if (linear) inputs.push_back(all + component);
    return inputs;
  }
  if (component < all + runs.size()) return {first_run + component - all};
  const std::size_t match = component - all - runs.size();
  const std::size_t first = first_run + runs.size() + match_inputs() * match;
  return match_linear ? std::vector<std::size_t>{first, first + 1}
                      : std::vector<std::size_t>{first};
}

std::size_t NgramConfig::memory() const {
  std::size_t sum = CounterBank::memory(*this);
  sum += match_lengths.size() * MatchModel::memory(match_bits);
  sum += MixLayer::memory(selectors, inputs(), eager);
  sum += MixLayer::memory(finals, static_cast<int>(selectors.size()), false);
  return sum + Refiner::memory(*this);
}

}  // namespace stateutils::statesmix
