// The config.json that a model is published with, as the object that the config's "model" takes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace stateutils::kv {

// Reads FILE; kInput when it is no model's config. The object's "kv_bytes_per_token" is that of
// the model's attention: grouped heads, or one latent vector a layer (MLA).
[[nodiscard]] nlohmann::json read_model_config(const std::string& file);

}  // namespace stateutils::kv
