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

  // K and V of every layer: 2 l kv_heads head_dim s.
  [[nodiscard]] std::uint64_t kv_bytes_per_token() const {
    return 2ull * layers * kv_heads * head_dim * dtype_bytes;
  }
};

[[nodiscard]] const std::vector<ModelShape>& model_table();
[[nodiscard]] std::optional<ModelShape> find_model(const std::string& name);

}  // namespace stateutils::kv
