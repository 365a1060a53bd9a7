#include "ckpt/engine/output_plan.hpp"

#include <utility>

namespace stateutils::ckpt {

std::uint64_t OutputPlan::size() const {
  std::uint64_t total = 0;
  for (const Region& region : regions) total += region.size;
  return total;
}

std::vector<std::uint64_t> OutputPlan::starts() const {
  std::vector<std::uint64_t> starts;
  starts.reserve(regions.size());
  std::uint64_t at = 0;
  for (const Region& region : regions) {
    starts.push_back(at);
    at += region.size;
  }
  return starts;
}

void OutputPlan::literal(std::string bytes) {
  const std::uint64_t length = bytes.size();
  regions.push_back({.content = memory_file(std::move(bytes), "(header)"), .size = length});
}

OutputPlan join_plans(std::vector<OutputPlan> parts) {
  OutputPlan whole{.name = ""};
  std::vector<std::pair<std::size_t, OutputPlan>> unfinished;  // first region of the whole, part
  for (OutputPlan& part : parts) {
    const std::size_t base = whole.regions.size();
    whole.regions.insert(whole.regions.end(), part.regions.begin(), part.regions.end());
    if (part.finish) unfinished.emplace_back(base, std::move(part));
  }
  if (unfinished.empty()) return whole;
  whole.finish = [unfinished = std::move(unfinished)](const std::vector<std::uint32_t>& crcs) {
    std::vector<Patch> patches;
    for (const auto& [base, part] : unfinished) {
      const auto first = crcs.begin() + static_cast<std::ptrdiff_t>(base);
      const auto last = first + static_cast<std::ptrdiff_t>(part.regions.size());
      for (Patch& patch : part.finish(std::vector<std::uint32_t>(first, last))) {
        patches.push_back({patch.region + base, std::move(patch.bytes)});
      }
    }
    return patches;
  };
  return whole;
}

}  // namespace stateutils::ckpt
