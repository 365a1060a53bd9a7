#include "ckpt/formats/shard_index.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_set>

#include "core/dom.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kMaxIndex = 256u << 20;

bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
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
  std::map<std::string, std::size_t, std::less<>> numbers;  // shard -> its place at first sight
  auto last = numbers.end();                                // neighbours are often in one shard
  index.weight.reserve(map.size());
  for (const auto field : map) {
    std::string_view file;
    if (field.value.get(file) != simdjson::SUCCESS)
      throw fail("the shard of " + core::quoted(field.key) + " is no file name");
    if (last == numbers.end() || last->first != file) {
      if (!is_plain_name(file)) {
        throw fail("shard " + core::quoted(file) + " is not a plain file name in this directory");
      }
      last = numbers.emplace(file, numbers.size()).first;
    }
    if (!index.weight.emplace(field.key, last->second).second)
      throw fail("key " + core::quoted(field.key) + " appears twice");
  }
  std::vector<std::size_t> places(numbers.size());  // first sight -> among the sorted names
  for (const auto& [shard, number] : numbers) {
    std::error_code failed;
    if (!std::filesystem::is_regular_file(index.folder + shard, failed)) {
      throw fail("shard " + core::quoted(shard) + " is absent");
    }
    places[number] = index.shards.size();
    index.shards.push_back(shard);
  }
  for (auto& [name, shard] : index.weight) shard = places[shard];
  return index;
}

namespace {

void find_missing(Catalogue& catalogue, const ShardIndex& index) {
  std::unordered_set<std::string_view> found;
  for (const Tensor& tensor : catalogue.tensors) found.insert(tensor.name);
  std::vector<std::string> missing;
  for (const auto& [name, shard] : index.weight) {
    if (!found.contains(name)) missing.push_back(name);
  }
  std::ranges::sort(missing);
  for (const std::string& name : missing) {
    catalogue.findings.push_back({"index", name, "indexed, but in no shard"});
  }
}

}  // namespace

void check_against_index(Catalogue& catalogue, const ShardIndex& index,
                         const std::vector<std::size_t>& ends) {
  std::size_t shard = 0, indexed = 0;
  for (std::size_t i = 0; i < catalogue.tensors.size(); ++i) {
    while (i >= ends[shard]) ++shard;
    const Tensor& tensor = catalogue.tensors[i];
    const auto listed = index.weight.find(tensor.name);
    indexed += listed != index.weight.end() ? 1 : 0;
    if (tensor.alias_of) continue;
    if (listed == index.weight.end()) {
      catalogue.findings.push_back(
          {"index", tensor.name,
           "in shard " + core::quoted(index.shards[shard]) + " but not in the index"});
    } else if (listed->second != shard) {
      catalogue.findings.push_back({"index", tensor.name,
                                    "indexed in shard " +
                                        core::quoted(index.shards[listed->second]) + ", found in " +
                                        core::quoted(index.shards[shard])});
    }
  }
  if (indexed < index.weight.size()) find_missing(catalogue, index);
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
