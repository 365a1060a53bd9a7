#include "config_input.hpp"

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "kv/config_paths.hpp"
#include "kv/model_config.hpp"

namespace stateutils::tools {

void add_config_options(core::Command& command, ConfigInput& input) {
  command.option("--config", &input.file, "what to simulate, a JSON object")
      .required()
      .value_name("FILE");
  command.option("--set", &input.sets, "replace a value of the configuration")
      .value_name("PATH=VALUE");
  command.option("--compat", &input.compat, "another simulator's rules and arithmetic")
      .one_of({"splitwise"});
  command
      .option("--model-config", &input.model_config, "take \"model\" from a published config.json")
      .value_name("FILE");
}

nlohmann::json load_config(const ConfigInput& input, const core::Io& io) {
  nlohmann::json config = core::load_json(input.file);
  for (const std::string& set : input.sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw core::usage_error("--set " + core::quoted(set) + " is not of the form PATH=VALUE");
    }
    kv::set_path(config, set.substr(0, equals), set.substr(equals + 1));
  }
  if (!input.compat.empty()) config["compat"] = input.compat;
  if (!input.model_config.empty()) config["model"] = kv::read_model_config(input.model_config);
  if (io.seed_given) config["seed"] = io.seed;
  return config;
}

}  // namespace stateutils::tools
