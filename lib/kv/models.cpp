#include "kv/models.hpp"

namespace stateutils::kv {

// From the config.json that each model was published with.
const std::vector<ModelShape>& model_table() {
  static const std::vector<ModelShape> models = {
      {"llama2-7b", 32, 4096, 32, 32, 128, 11008, 32000},
      {"llama2-13b", 40, 5120, 40, 40, 128, 13824, 32000},
      {"llama2-70b", 80, 8192, 64, 8, 128, 28672, 32000},
      {"llama3-8b", 32, 4096, 32, 8, 128, 14336, 128256},
      {"llama3-70b", 80, 8192, 64, 8, 128, 28672, 128256},
      {"llama3-405b", 126, 16384, 128, 8, 128, 53248, 128256},
      {"mistral-7b", 32, 4096, 32, 8, 128, 14336, 32000},
      {"qwen2.5-7b", 28, 3584, 28, 4, 128, 18944, 152064},
      {"qwen2.5-32b", 64, 5120, 40, 8, 128, 27648, 152064},
      {"qwen2.5-72b", 80, 8192, 64, 8, 128, 29568, 152064},
      {"bloom-176b", 70, 14336, 112, 112, 128, 57344, 250880, 2, 1, 1, false},
  };
  return models;
}

std::optional<ModelShape> find_model(const std::string& name) {
  for (const ModelShape& model : model_table()) {
    if (model.name == name) return model;
  }
  return std::nullopt;
}

}  // namespace stateutils::kv
