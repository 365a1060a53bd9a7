#include "ckpt/formats/shard_index.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_set>

#include "core/dom.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kMaxIndex = 256u << 20;

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
         name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
}

}  // namespace

ShardIndex read_shard_index(const std::string& path) {
  ShardIndex index{.path = path};
  const auto slash = path.rfind('/');
  if (slash != std::string::npos) index.folder = path.substr(0, slash + 1);
  const auto fail = [&](const std::string& message) { return core::input_error({path}, message); };
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (core::parse_json(parser, core::read_file(path, kMaxIndex)).get(document) != simdjson::SUCCESS)
    throw fail("the index is no valid JSON");
  simdjson::dom::object map;
  if (document["weight_map"].get(map) != simdjson::SUCCESS) {
    throw fail("no weight_map: not the index of a sharded checkpoint");
  }
  std::set<std::string> shards;
  index.weight.reserve(map.size());
  for (const auto field : map) {
    std::string_view text;
    if (field.value.get(text) != simdjson::SUCCESS)
      throw fail("the shard of " + core::quoted(field.key) + " is no file name");
    std::string file(text);
    if (!is_plain_name(file)) {
      throw fail("shard " + core::quoted(file) + " is not a plain file name in this directory");
    }
    shards.insert(file);
    if (!index.weight.emplace(std::string(field.key), std::move(file)).second)
      throw fail("key " + core::quoted(field.key) + " appears twice");
  }
  for (const std::string& shard : shards) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(index.folder + shard, failed)) {
      throw fail("shard " + core::quoted(shard) + " is absent");
    }
    index.shards.push_back(shard);
  }
  return index;
}

void check_against_index(Catalogue& catalogue, const ShardIndex& index,
                         const std::vector<std::pair<std::size_t, std::string>>& ends) {
  std::unordered_set<std::string_view> found;
  found.reserve(catalogue.tensors.size());
  std::size_t shard = 0;
  for (std::size_t i = 0; i < catalogue.tensors.size(); ++i) {
    while (i >= ends[shard].first) ++shard;
    const Tensor& tensor = catalogue.tensors[i];
    found.insert(tensor.name);
    if (tensor.alias_of) continue;
    const auto listed = index.weight.find(tensor.name);
    if (listed == index.weight.end()) {
      catalogue.findings.push_back(
          {"index", tensor.name,
           "in shard " + core::quoted(ends[shard].second) + " but not in the index"});
    } else if (listed->second != ends[shard].second) {
      catalogue.findings.push_back({"index", tensor.name,
                                    "indexed in shard " + core::quoted(listed->second) +
                                        ", found in " + core::quoted(ends[shard].second)});
    }
  }
  std::vector<std::string> missing;
  for (const auto& [name, file] : index.weight) {
    if (!found.contains(name)) missing.push_back(name);
  }
  std::ranges::sort(missing);
  for (const std::string& name : missing) {
    catalogue.findings.push_back({"index", name, "indexed, but in no shard"});
  }
}

std::string shard_index_text(const std::vector<std::pair<std::string, std::string>>& weight_map,
                             std::uint64_t total_size) {
  auto sorted = weight_map;
  std::ranges::sort(sorted);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().key("metadata").begin_object().field("total_size", total_size).end_object();
  json.key("weight_map").begin_object();
  for (const auto& [name, shard] : sorted) json.field(name, shard);
  json.end_object().end_object();
  return text + '\n';
}

}  // namespace stateutils::ckpt
