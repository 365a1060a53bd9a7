#include "ckpt/ckz/layout.hpp"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"

namespace stateutils::ckpt::ckz {
namespace {

std::optional<core::Hash128> hash_from_hex(const std::string& text) {
  if (text.size() != 32) return std::nullopt;
  core::Hash128 hash;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    std::uint64_t& half = i < 16 ? hash.high : hash.low;
    half = half << 4 | static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return hash;
}

struct HeadReader {
  const std::string& file;
  const std::string& name;
  const nlohmann::json& fields;

  [[nodiscard]] core::Error wrong(const std::string& what) const {
    return core::input_error({file}, "tensor " + core::quoted(name) + ": " + what);
  }
  [[nodiscard]] const nlohmann::json& field(const char* key) const {
    const auto found = fields.find(key);
    if (found == fields.end()) throw wrong(std::string("ckz metadata lacks ") + key);
    return *found;
  }
  [[nodiscard]] std::string text(const char* key) const {
    const nlohmann::json& value = field(key);
    if (!value.is_string()) throw wrong(std::string(key) + " is no string");
    return value.get<std::string>();
  }
  [[nodiscard]] core::Hash128 hash(const char* key) const {
    const auto value = hash_from_hex(text(key));
    if (!value) throw wrong(std::string(key) + " is no XXH3-128");
    return *value;
  }
  [[nodiscard]] std::uint64_t size(const nlohmann::json& value, const char* what) const {
    if (!value.is_number_unsigned()) throw wrong(std::string(what) + " is no size");
    return value.get<std::uint64_t>();
  }
};

TensorHead read_head(const HeadReader& in) {
  TensorHead head{.name = in.name};
  const auto dtype = dtype_from_name(in.text("dtype"));
  if (!dtype) throw in.wrong("unknown dtype " + core::quoted(in.text("dtype")));
  head.dtype = *dtype;
  const nlohmann::json& shape = in.field("shape");
  if (!shape.is_array()) throw in.wrong("shape is no list of sizes");
  for (const nlohmann::json& size : shape) head.shape.push_back(in.size(size, "shape"));
  if (!tensor_bytes(head.dtype, head.shape)) throw in.wrong("the size overflows");
  head.chunk = in.size(in.field("chunk"), "chunk");
  if (!std::has_single_bit(head.chunk) || head.chunk < kMinChunk || head.chunk > kMaxChunk) {
    throw in.wrong("chunks of " + std::to_string(head.chunk) + " bytes");
  }
  head.hash = in.hash("xxh3");
  if (in.fields.contains("base")) head.base = in.hash("base");
  return head;
}

}  // namespace

std::uint64_t TensorHead::segment_chunks(std::uint64_t s) const {
  return std::min(kSegmentChunks, chunks() - s * kSegmentChunks);
}

std::uint64_t TensorHead::chunk_bytes(std::uint64_t c) const {
  return std::min(chunk, bytes() - c * chunk);
}

std::string stream_name(const std::string& tensor, std::uint64_t index) {
  return tensor + '#' + std::to_string(index);
}

std::string heads_text(const std::vector<TensorHead>& heads) {
  std::string text;
  core::JsonWriter writer(text);
  writer.begin_object();
  for (const TensorHead& head : heads) {
    writer.key(head.name).begin_object().field("dtype", dtype_name(head.dtype));
    writer.key("shape").begin_array();
    for (const std::uint64_t size : head.shape) writer.value(size);
    writer.end_array().field("codec", is_floating(head.dtype) ? "exp" : "shuffle");
    writer.field("chunk", head.chunk);
    if (head.base) writer.field("base", head.base->hex());
    writer.field("xxh3", head.hash.hex()).end_object();
  }
  writer.end_object();
  return text;
}

std::vector<TensorHead> parse_heads(const std::string& text, const std::string& file) {
  const nlohmann::json parsed = core::parse_json(text, file);
  if (!parsed.is_object()) throw core::input_error({file}, "ckz metadata is no map of tensors");
  std::vector<TensorHead> heads;
  for (const auto& [name, fields] : parsed.items()) {
    if (!fields.is_object()) {
      throw core::input_error({file}, "tensor " + core::quoted(name) + ": no ckz metadata");
    }
    heads.push_back(read_head({file, name, fields}));
  }
  return heads;
}

}  // namespace stateutils::ckpt::ckz
