// Places of a JSON document by dotted paths: cache.tiers.gpu.size, fleet.0.count.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace stateutils::kv {

// Sets the value at `path`; in a list a part is an index or the entry's "name". Objects on the way
// are made when absent; a list's entry must exist. `value` is JSON if it parses, else a string.
void set_path(nlohmann::json& config, const std::string& path, const std::string& value);
void set_path_value(nlohmann::json& config, const std::string& path, const nlohmann::json& value);
// The value there, or nullptr.
[[nodiscard]] const nlohmann::json* find_path(const nlohmann::json& document,
                                              const std::string& path);

}  // namespace stateutils::kv
