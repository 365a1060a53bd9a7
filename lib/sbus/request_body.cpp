#include "sbus/request_body.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/utf8.hpp"

namespace stateutils::sbus {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::size_t kFirstCapacity = 64 << 10;
constexpr std::size_t kMaxDepth = 64;

BadBody wrong(std::string_view name, const char* expected) {
  return {core::quoted(name) + ": expected " + expected};
}

// simdjson decodes an unpaired surrogate to bytes that are no UTF-8.
std::string_view text_of(std::string_view name, const element& value) {
  std::string_view out;
  if (value.get(out) != simdjson::SUCCESS) throw wrong(name, "a string");
  if (!core::is_valid_utf8(out)) throw wrong(name, "text without unpaired surrogates");
  return out;
}

simdjson::dom::array array_of(std::string_view name, const element& value) {
  simdjson::dom::array out;
  if (value.get(out) != simdjson::SUCCESS) throw wrong(name, "an array");
  return out;
}

}  // namespace

RequestBody::RequestBody(simdjson::dom::parser& parser, std::string_view text) {
  if (parser.max_depth() != kMaxDepth &&
      parser.allocate(std::max(kFirstCapacity, text.size()), kMaxDepth) != simdjson::SUCCESS) {
    throw std::bad_alloc();
  }
  element root;
  simdjson::dom::object object;
  if (core::parse_json(parser, text).get(root) != simdjson::SUCCESS) {
    throw BadBody{"the body is no JSON"};
  }
  if (root.get(object) != simdjson::SUCCESS) throw BadBody{"the body is no JSON object"};
  index(object);
}

void RequestBody::index(simdjson::dom::object object) {
  for (const auto field : object) fields_.push_back({field.key, field.value});
  std::sort(fields_.begin(), fields_.end(),
            [](const Field& x, const Field& y) { return x.name < y.name; });
  const auto twice =
      std::adjacent_find(fields_.begin(), fields_.end(),
                         [](const Field& x, const Field& y) { return x.name == y.name; });
  if (twice != fields_.end()) throw BadBody{"key " + core::quoted(twice->name) + " appears twice"};
}

const element* RequestBody::find(std::string_view name) const {
  const auto found =
      std::lower_bound(fields_.begin(), fields_.end(), name,
                       [](const Field& x, std::string_view y) { return x.name < y; });
  return found != fields_.end() && found->name == name ? &found->value : nullptr;
}

const element& RequestBody::require(std::string_view name, std::string_view alias) const {
  const element* value = find(name);
  const element* other = alias.empty() ? nullptr : find(alias);
  if (value != nullptr && other != nullptr) {
    throw BadBody{core::quoted(name) + " and " + core::quoted(alias) + " are the same field"};
  }
  if (value == nullptr) value = other;
  if (value == nullptr) throw BadBody{core::quoted(name) + " is missing"};
  return *value;
}

std::string_view RequestBody::string(std::string_view name, std::string_view alias) const {
  return text_of(name, require(name, alias));
}

std::int64_t RequestBody::version(std::string_view name, std::string_view alias) const {
  const element& value = require(name, alias);
  if (value.type() != element_type::INT64 || value.get_int64().value_unsafe() < 0) {
    throw wrong(name, "a version: an integer from 0 to 2^63-1");
  }
  return value.get_int64().value_unsafe();
}

bool RequestBody::boolean(std::string_view name) const {
  bool out = false;
  if (require(name, {}).get(out) != simdjson::SUCCESS) throw wrong(name, "true or false");
  return out;
}

std::vector<std::string_view> RequestBody::strings(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const element item : array_of(name, require(name, {}))) out.push_back(text_of(name, item));
  return out;
}

std::optional<std::string_view> RequestBody::opt_string(std::string_view name) const {
  const element* value = find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return text_of(name, *value);
}

void RequestBody::read_set(std::vector<ReadItem>& out) const {
  constexpr std::string_view kName = "read_set";
  out.clear();
  const element* value = find(kName);
  if (value == nullptr || value->is_null()) return;
  for (const element item : array_of(kName, *value)) {
    simdjson::dom::object object;
    if (item.get(object) != simdjson::SUCCESS) throw wrong(kName, "objects");
    const RequestBody read(object);
    out.push_back({read.string("key"), read.version("version_at_read")});
  }
  std::vector<std::string_view> keys;
  for (const ReadItem& read : out) keys.push_back(read.key);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) {
    throw BadBody{"read_set: shard " + core::quoted(*twice) + " appears twice"};
  }
}

}  // namespace stateutils::sbus
