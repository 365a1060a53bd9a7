// A checkpoint whose matrices are quantized while it is written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ckpt/formats/write_options.hpp"
#include "ckpt/model/catalogue.hpp"
#include "ckpt/quant/layer.hpp"

namespace stateutils::ckpt::quant {

struct LayerReport {
  std::string name{};
  double bits_per_weight = 0, proxy_error = 0, rtn_proxy_error = 0;
};

struct CheckpointOptions {
  QuantOptions layer{};
  std::string hessians{};  // folder of NAME.safetensors with H and perhaps Hinv; empty: none
  std::uint64_t max_memory = 256u << 20;
  // Called when a layer is done, one at a time, in any order; `index` counts layers.
  std::function<void(std::size_t index, const LayerReport& report)> done{};
};

struct QuantizedCheckpoint {
  Target target;  // to be written in its order; a layer is quantized when it is first read
  std::size_t layers = 0;
  std::vector<std::string> hessian_files{};
  std::vector<std::string> without_hessian{};  // layers that use the identity
};
// kInput when a Hessian does not fit its layer, or a layer does not fit into `max_memory`.
[[nodiscard]] QuantizedCheckpoint quantized_checkpoint(const Catalogue& catalogue,
                                                       const CheckpointOptions& options);

}  // namespace stateutils::ckpt::quant
