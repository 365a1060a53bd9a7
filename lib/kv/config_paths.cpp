#include "kv/config_paths.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/units.hpp"

namespace stateutils::kv {
namespace {

using core::quoted;

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (;;) {
    const std::size_t dot = path.find('.', from);
    parts.push_back(path.substr(from, dot == std::string::npos ? dot : dot - from));
    if (parts.back().empty())
      throw core::usage_error("path " + quoted(path) + " has an empty part");
    if (dot == std::string::npos) return parts;
    from = dot + 1;
  }
}

// The entry of a list by index or name; the list's size when there is none.
std::size_t entry_of(const nlohmann::json& list, const std::string& part) {
  const auto index = core::parse_u64(part);
  if (index) return *index < list.size() ? static_cast<std::size_t>(*index) : list.size();
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_object() && list[i].contains("name") && list[i]["name"] == part) return i;
  }
  return list.size();
}

}  // namespace

void set_path_value(nlohmann::json& config, const std::string& path, const nlohmann::json& value) {
  nlohmann::json* at = &config;
  for (const std::string& part : parts_of(path)) {
    if (at->is_array()) {
      const std::size_t entry = entry_of(*at, part);
      if (entry == at->size()) {
        throw core::usage_error("path " + quoted(path) + ": the list has no entry " + quoted(part));
      }
      at = &(*at)[entry];
    } else if (at->is_object() || at->is_null()) {
      at = &(*at)[part];
    } else {
      throw core::usage_error("path " + quoted(path) + ": nothing has a part " + quoted(part));
    }
  }
  *at = value;
}

void set_path(nlohmann::json& config, const std::string& path, const std::string& value) {
  nlohmann::json parsed;
  try {
    parsed = core::parse_json(value, path);
  } catch (const core::Error&) {
    parsed = value;
  }
  set_path_value(config, path, parsed);
}

const nlohmann::json* find_path(const nlohmann::json& document, const std::string& path) {
  const nlohmann::json* at = &document;
  for (const std::string& part : parts_of(path)) {
    if (at->is_array()) {
      const std::size_t entry = entry_of(*at, part);
      if (entry == at->size()) return nullptr;
      at = &(*at)[entry];
    } else if (at->is_object() && at->contains(part)) {
      at = &(*at)[part];
    } else {
      return nullptr;
    }
  }
  return at;
}

}  // namespace stateutils::kv
