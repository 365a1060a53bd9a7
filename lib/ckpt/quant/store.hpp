// Quantized layers as tensors of a safetensors file, and back. Layer NAME becomes NAME.indices,
// NAME.centroids and so on; metadata "quantization_config" says how to read them.
#pragma once

#include <string>
#include <vector>

#include "ckpt/formats/write_options.hpp"
#include "ckpt/model/catalogue.hpp"
#include "ckpt/quant/layer.hpp"

namespace stateutils::ckpt::quant {

inline constexpr const char* kConfigKey = "quantization_config";

struct LayerConfig {
  std::string name{};
  DType dtype = DType::kF32;
  std::uint64_t rows = 0, columns = 0, outliers = 0;
  std::uint64_t v = 0, k = 0, residual_k = 0, groups = 1, outlier_v = 0, outlier_k = 0;
  bool permuted = false, normed = false;
};

// F16, or BF16 for layers of that type.
[[nodiscard]] DType centroid_type(DType layer);
// The layer's elements as numbers.
[[nodiscard]] Weights load_weights(const Tensor& tensor);

// What is stored of a layer: its names, types and sizes follow from its shape and the options
// alone.
[[nodiscard]] LayerConfig plan_layer(const std::string& name, DType dtype, const Shape& shape,
                                     const QuantOptions& options);
struct LayerTensor {
  std::string name;
  DType dtype;
  Shape shape;
};
[[nodiscard]] std::vector<LayerTensor> layer_tensors(const LayerConfig& config);
// The bytes of these tensors, in their order.
[[nodiscard]] std::vector<std::string> layer_bytes(const LayerConfig& config,
                                                   const QuantizedLayer& layer);
[[nodiscard]] std::string config_text(const std::vector<LayerConfig>& layers);
// kInput naming `file` when the text is not of that form or sizes do not fit each other.
[[nodiscard]] std::vector<LayerConfig> parse_config(const std::string& text,
                                                    const std::string& file);

// The tensors of a quantized checkpoint with every layer as it was named, restored as it is read.
[[nodiscard]] Target dequantized_target(const Catalogue& catalogue);

}  // namespace stateutils::ckpt::quant
