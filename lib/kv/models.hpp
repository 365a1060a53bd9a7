// Shapes of published models: what a token of KV takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace stateutils::kv {

struct ModelShape {
  std::string name;
  std::uint32_t layers = 0, hidden = 0, heads = 0, kv_heads = 0, head_dim = 0, ffn = 0, vocab = 0;
  std::uint32_t dtype_bytes = 2;
  std::uint32_t experts = 1, experts_active = 1;
  bool gated = true;  // an FFN of three matrices, not two

  // K and V of every layer: 2 l kv_heads head_dim s.
  [[nodiscard]] std::uint64_t kv_bytes_per_token() const {
    return 2ull * layers * kv_heads * head_dim * dtype_bytes;
  }
  // Weights, and those that a token passes: attention, the active experts' FFNs, the output layer.
  [[nodiscard]] double parameters() const { return weights(experts) + 1.0 * vocab * hidden; }
  [[nodiscard]] double active_parameters() const { return weights(experts_active); }

 private:
  [[nodiscard]] double weights(std::uint32_t used) const {
    const double attention = 2.0 * hidden * head_dim * (1.0 * heads + kv_heads);
    const double ffn_weights = (gated ? 3.0 : 2.0) * hidden * ffn * used;
    return layers * (attention + ffn_weights) + 1.0 * vocab * hidden;
  }
};

[[nodiscard]] const std::vector<ModelShape>& model_table();
[[nodiscard]] std::optional<ModelShape> find_model(const std::string& name);

}  // namespace stateutils::kv
