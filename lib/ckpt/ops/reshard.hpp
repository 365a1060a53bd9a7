// Training checkpoints as targets: universal folders and DeepSpeed tag folders of any layout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/engine/output_plan.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

struct ReshardTarget {
  std::uint64_t tp = 1, pp = 1, dp = 1, zero = 1;
  std::uint64_t vocab_pad = 32;           // rows are a multiple of this times tp
  std::vector<std::uint64_t> pp_split{};  // first layer of every stage after the first
  std::string patterns{};                 // FILE or builtin:megatron, instead of the source's
};

// zero/NAME/STATE.pt, zero/optimizer_state.pt and copies of the model files. `rich`: dicts with
// shapes even where DeepSpeed writes bare flat tensors (ZeRO 3).
[[nodiscard]] std::vector<OutputPlan> plan_universal(const Catalogue& catalogue, bool rich);

// Model and optimizer files of the layout, named as DeepSpeed names them.
[[nodiscard]] std::vector<OutputPlan> plan_deepspeed(const Catalogue& catalogue,
                                                     const ReshardTarget& target);

}  // namespace stateutils::ckpt
