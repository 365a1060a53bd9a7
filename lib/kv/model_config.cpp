#include "kv/model_config.hpp"

#include <initializer_list>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"

namespace stateutils::kv {
namespace {

class HuggingFace {
 public:
  HuggingFace(const nlohmann::json& config, std::string file)
      : config_(config), file_(std::move(file)) {}

  // The first of these keys that is there; 0: none.
  [[nodiscard]] std::uint64_t count(std::initializer_list<const char*> keys) const {
    for (const char* key : keys) {
      if (!config_.contains(key) || config_[key].is_null()) continue;
      const nlohmann::json& value = config_[key];
      if (!value.is_number_unsigned() || value.get<std::uint64_t>() > (1u << 30)) {
        throw core::input_error({file_}, core::quoted(std::string(key)) + " is no count");
      }
      if (value.get<std::uint64_t>() > 0) return value.get<std::uint64_t>();
    }
    return 0;
  }
  [[nodiscard]] std::uint64_t needed(std::initializer_list<const char*> keys) const {
    const std::uint64_t value = count(keys);
    if (value == 0) {
      throw core::input_error(
          {file_},
          "no model's config: " + core::quoted(std::string(*keys.begin())) + " is missing");
    }
    return value;
  }
  [[nodiscard]] std::uint64_t dtype_bytes() const {
    for (const char* key : {"torch_dtype", "dtype"}) {
      if (!config_.contains(key) || !config_[key].is_string()) continue;
      const std::string name = config_[key].get<std::string>();
      if (name == "float32") return 4;
      if (name.starts_with("float8")) return 1;
    }
    return 2;
  }

 private:
  const nlohmann::json& config_;
  std::string file_;
};

}  // namespace

nlohmann::json read_model_config(const std::string& file) {
  const nlohmann::json document = core::load_json(file);
  if (!document.is_object()) throw core::input_error({file}, "no JSON object");
  const bool nested = document.contains("text_config") && document["text_config"].is_object();
  const HuggingFace hf(nested ? document["text_config"] : document, file);
  const std::uint64_t layers = hf.needed({"num_hidden_layers", "n_layer"});
  const std::uint64_t hidden = hf.needed({"hidden_size", "n_embd"});
  const std::uint64_t heads = hf.needed({"num_attention_heads", "n_head"});
  const auto or_else = [](std::uint64_t value, std::uint64_t otherwise) {
    return value == 0 ? otherwise : value;
  };
  const std::uint64_t kv_heads = or_else(hf.count({"num_key_value_heads"}), heads);
  const std::uint64_t head_dim = or_else(hf.count({"head_dim"}), hidden / heads);
  const std::uint64_t s = hf.dtype_bytes(), latent = hf.count({"kv_lora_rank"});
  const std::uint64_t token = latent > 0 ? layers * (latent + hf.count({"qk_rope_head_dim"})) * s
                                         : 2 * layers * kv_heads * head_dim * s;
  const std::uint64_t experts =
      or_else(hf.count({"num_local_experts", "num_experts", "n_routed_experts"}), 1);
  const std::uint64_t ffn =
      or_else(experts > 1 ? hf.count({"moe_intermediate_size", "intermediate_size"})
                          : hf.count({"intermediate_size", "n_inner"}),
              4 * hidden);
  return {{"layers", layers},
          {"hidden", hidden},
          {"heads", heads},
          {"kv_heads", kv_heads},
          {"head_dim", head_dim},
          {"ffn", ffn},
          {"vocab", hf.needed({"vocab_size"})},
          {"experts", experts},
          {"experts_active", or_else(hf.count({"num_experts_per_tok"}), experts)},
          {"dtype_bytes", s},
          {"kv_bytes_per_token", token}};
}

}  // namespace stateutils::kv
