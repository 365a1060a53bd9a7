#include "ckpt/ops/record.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/input.hpp"
#include "core/json.hpp"
#include "core/output_file.hpp"

namespace stateutils::ckpt {
namespace {

constexpr const char* kRecordName = ".ckpt-convert.json";
constexpr std::size_t kMaxName = 255;

}  // namespace

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// A NAME so long that its record could not be named lends the record its first bytes.
std::string record_path(const std::string& dst, bool folder) {
  const std::string path = without_slash(dst);
  if (folder) return path + '/' + kRecordName;
  const auto slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  name.resize(std::min(name.size(), kMaxName - 1 - std::string_view(kRecordName).size()));
  return (slash == std::string::npos ? "" : path.substr(0, slash + 1)) + '.' + name + kRecordName;
}

nlohmann::json input_records(const std::vector<std::string>& inputs) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& path : inputs) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return nlohmann::json();
    const auto mtime =
        static_cast<std::int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec;
    list.push_back({{"name", path},
                    {"size", static_cast<std::uint64_t>(found.st_size)},
                    {"mtime_ns", std::to_string(mtime)}});
  }
  return list;
}

std::string options_hash(const PublishOptions& options) {
  return core::sha256_hex(options.options_text);
}

nlohmann::json load_record(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return {};
  try {
    return core::parse_json(core::read_file(path, 64u << 20), path);
  } catch (const core::Error&) {
    return {};  // a damaged record proves nothing
  }
}

void write_record(const std::string& path, const PublishOptions& options,
                  const std::vector<Written>& outputs) {
  nlohmann::json record{{"format", "stateutils.record"},
                        {"version", 1},
                        {"options_sha256", options_hash(options)},
                        {"inputs", input_records(options.inputs)}};
  nlohmann::json list = nlohmann::json::array();
  for (const Written& output : outputs) {
    list.push_back({{"name", output.name}, {"size", output.size}, {"xxh3", output.hash}});
  }
  record["outputs"] = list;
  core::OutputFile file(path, {.sync = options.sync, .replace = true});
  file.write(core::canonical_json(record) + '\n');
  file.commit();
}

}  // namespace stateutils::ckpt
