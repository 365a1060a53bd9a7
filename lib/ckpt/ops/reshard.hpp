// Training checkpoints as targets: universal folders and DeepSpeed tag folders of any layout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/engine/output_plan.hpp"
#include "ckpt/formats/write_options.hpp"
#include "ckpt/model/catalogue.hpp"
#include "ckpt/ucp/patterns.hpp"

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

// Key of a ZeRO 3 model file: the low-precision copy as flat groups, where fp32 does not give it.
inline constexpr const char* kLowPrecision = "low_precision_flat_groups";

// A directory of mp_rank_MM files of `format` (safetensors or pt), one per tensor- and
// pipeline-parallel rank, and layout.json.
[[nodiscard]] std::vector<OutputPlan> plan_ranks(const Catalogue& catalogue,
                                                 const ReshardTarget& target,
                                                 const std::string& format,
                                                 const WriteOptions& options);
// The files that a layout file names, and layout.json.
[[nodiscard]] std::vector<OutputPlan> plan_layout(const Catalogue& catalogue,
                                                  const std::string& layout,
                                                  const std::string& format,
                                                  const WriteOptions& options);

// iter_N/mp_rank_TT[_PPP]/model_optim_rng.pt and latest_checkpointed_iteration.txt: weights.
[[nodiscard]] std::vector<OutputPlan> plan_megatron(const Catalogue& catalogue,
                                                    const ReshardTarget& target);

// The target's patterns, else the source's; kInput when there are none and tp > 1.
[[nodiscard]] std::shared_ptr<UcpPatterns> patterns_for(const Catalogue& catalogue,
                                                        const ReshardTarget& target);
// Whether the parameter stands before the first layer, though the source lists it later.
[[nodiscard]] bool is_early(const Catalogue& catalogue, const std::string& parameter);

}  // namespace stateutils::ckpt
