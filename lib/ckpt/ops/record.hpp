// The record of a result: what proves that DST was made from these inputs with these options.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "ckpt/ops/publish.hpp"

namespace stateutils::ckpt {

struct Written {
  std::string name;
  std::uint64_t size = 0;
  std::string hash;  // FileSum's, in hexadecimal
};

[[nodiscard]] std::string without_slash(std::string path);
// Inside a folder `.ckpt-convert.json`, beside a file `.NAME.ckpt-convert.json`.
[[nodiscard]] std::string record_path(const std::string& dst, bool folder);
// Names, sizes and mtimes of the inputs; null when one has no identity (stdin).
[[nodiscard]] nlohmann::json input_records(const std::vector<std::string>& inputs);
[[nodiscard]] std::string options_hash(const PublishOptions& options);
// The JSON object at `path`; null when there is none, or a damaged one.
[[nodiscard]] nlohmann::json load_record(const std::string& path);
void write_record(const std::string& path, const PublishOptions& options,
                  const std::vector<Written>& outputs);

}  // namespace stateutils::ckpt
