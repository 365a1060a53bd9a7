// Which pipeline stage of a target layout holds which parameter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stateutils::ckpt {

struct StageItem {
  std::string name;
  int group = 0;
  bool vocabulary = false, pipeline_replicated = false;
  bool early = false;  // before the first layer, wherever the source lists it
};

struct Stages {
  std::vector<std::vector<std::size_t>> members{};  // items of every stage, in their order
  std::vector<std::string> newly_replicated{};      // on two stages, though no pattern says so
};

// Layer i of L (the first integer of a name) goes to stage floor(i pp / L), or where `split`, the
// first layers of all stages but the first, says. Names before the first layer of their group go
// to the first stage, those after it that have no number to the last; a vocabulary to both when
// it is pipeline-replicated or the only one. kUsage for a split of another length.
[[nodiscard]] Stages assign_stages(const std::vector<StageItem>& items, std::uint64_t pp,
                                   const std::vector<std::uint64_t>& split);

}  // namespace stateutils::ckpt
