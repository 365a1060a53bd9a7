#include "ckpt/ucp/stages.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <optional>

#include "ckpt/ucp/training.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

std::optional<std::uint64_t> layer_of(const std::string& name) {
  static const re2::RE2 first_number("(\\d+)");
  std::uint64_t layer = 0;
  if (!re2::RE2::PartialMatch(name, first_number, &layer)) return std::nullopt;
  return layer;
}

std::uint64_t stage_of_layer(std::uint64_t layer, std::uint64_t layers, std::uint64_t pp,
                             const std::vector<std::uint64_t>& split) {
  if (split.empty()) return layer * pp / layers;
  return static_cast<std::uint64_t>(std::ranges::upper_bound(split, layer) - split.begin());
}

}  // namespace

Stages assign_stages(const std::vector<StageItem>& items, std::uint64_t pp,
                     const std::vector<std::uint64_t>& split) {
  if (!split.empty() && (split.size() + 1 != pp || !std::ranges::is_sorted(split))) {
    throw core::usage_error("--pp-split names the first layer of every stage after the first");
  }
  Stages stages;
  stages.members.resize(pp);
  std::uint64_t layers = 0, vocabularies = 0;
  std::map<int, std::size_t> first_layer;  // of every group
  for (std::size_t i = 0; i < items.size(); ++i) {
    vocabularies += items[i].vocabulary ? 1 : 0;
    const auto layer = layer_of(items[i].name);
    if (!layer) continue;
    layers = std::max(layers, *layer + 1);
    first_layer.emplace(items[i].group, i);
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    const StageItem& item = items[i];
    const auto layer = layer_of(item.name);
    const auto first = first_layer.find(item.group);
    const bool before = item.early || first == first_layer.end() || i < first->second;
    const std::uint64_t stage = layer    ? stage_of_layer(*layer, layers, pp, split)
                                : before ? 0
                                         : pp - 1;
    stages.members[stage].push_back(i);
    const bool both =
        item.vocabulary && pp > 1 && !layer && (item.pipeline_replicated || vocabularies == 1);
    if (!both) continue;
    stages.members[stage == 0 ? pp - 1 : 0].push_back(i);
    if (!item.pipeline_replicated) stages.newly_replicated.push_back(item.name);
  }
  for (auto& members : stages.members) std::ranges::sort(members);
  return stages;
}

UnionRule rule_of(UcpPatterns& patterns, bool swiglu, const std::string& parameter,
                  std::vector<Finding>& findings) {
  UnionRule rule = patterns.rule_for(parameter, findings);
  const bool halves = parameter.find("dense_h_to_4h.") != std::string::npos ||
                      parameter.find("linear_fc1.") != std::string::npos;
  if (swiglu && halves) rule.kind = Union::kTwoHalves;
  return rule;
}

}  // namespace stateutils::ckpt
