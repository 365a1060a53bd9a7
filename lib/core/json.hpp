// Configuration, manifests and summaries: nlohmann_json behind a strict parser.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace stateutils::core {

struct JsonLimits {
  int depth = 64;
  bool comments = false;
};

// Parses one document: depth limited, doubled keys refused, integers past 64 bits and non-finite
// numbers refused; errors are kInput at `file` with the line.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const std::string& file,
                                        JsonLimits limits = {});
// The same, keeping the order of keys.
[[nodiscard]] nlohmann::ordered_json parse_ordered_json(std::string_view text,
                                                        const std::string& file,
                                                        JsonLimits limits = {});
// Reads a file ("-" = stdin, zstd transparent) of at most 256 MiB and parses it.
[[nodiscard]] nlohmann::json load_json(const std::string& path, JsonLimits limits = {});

// Canonical form: keys sorted by bytes, no blanks, shortest numbers, only the escapes JSON needs.
[[nodiscard]] std::string canonical_json(const nlohmann::json& value);

}  // namespace stateutils::core
