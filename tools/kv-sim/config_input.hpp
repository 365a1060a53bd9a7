// How subcommands name a configuration and change parts of it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/cli.hpp"
#include "core/io.hpp"

namespace stateutils::tools {

struct ConfigInput {
  std::string file, compat, model_config;
  std::vector<std::string> sets;
};

void add_config_options(core::Command& command, ConfigInput& input);
[[nodiscard]] nlohmann::json load_config(const ConfigInput& input, const core::Io& io);

}  // namespace stateutils::tools
