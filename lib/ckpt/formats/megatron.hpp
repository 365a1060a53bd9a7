// Megatron-LM folders: mp_rank_TT[_PPP]/model_optim_rng.pt.
#pragma once

#include <string>

#include "ckpt/formats/read_options.hpp"
#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

// An iteration folder, or the one whose latest_checkpointed_iteration.txt names it.
[[nodiscard]] bool is_megatron_folder(const std::string& folder);
// Weights below `model`; layer numbers, local to a pipeline stage in the files, become global.
[[nodiscard]] Catalogue open_megatron(const std::string& folder, const ReadOptions& options);

}  // namespace stateutils::ckpt
