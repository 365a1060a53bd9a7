// The states of Megatron's distributed optimizer: distrib_optim.pt of one model-parallel rank.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/formats/torch_file.hpp"

namespace stateutils::ckpt {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// The slices of a rank by state (fp32, exp_avg, exp_avg_sq) and parameter. `weights` are the
// rank's parameters in the order of its model: the file has flat buffers without names, so a
// placement counts only when the fp32 values round to the weights. kInput when none does.
[[nodiscard]] std::map<std::string, std::map<std::string, Tensor>> read_distributed_optimizer(
    const TorchFile& file, const NamedTensors& weights);

}  // namespace stateutils::ckpt
