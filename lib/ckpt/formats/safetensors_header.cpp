#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "ckpt/formats/safetensors.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // as the reference implementation
constexpr std::size_t kMaxDepth = 8;

struct Refused {
  std::string message;
};

[[noreturn]] void twice(const std::string& key) {
  throw Refused{"key " + core::quoted(key) + " appears twice"};
}

// Events of the header in, entries out; nothing but the entries is kept.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(SafetensorsFile& out, std::uint64_t max_memory) : out_(out), budget_(max_memory) {}

  bool start_object(std::size_t) override {
    enter();
    if (depth_ == 2) {
      if (!in_metadata()) out_.entries.push_back({.name = name_, .shape = {}});
      seen_.reset();
    } else if (depth_ != 1 && !ignored()) {
      throw Refused{where() + "an object where none belongs"};
    }
    return true;
  }
  bool end_object() override {
    if (depth_ == 2 && !in_metadata()) {
      if (!seen_.dtype || !seen_.shape || !seen_.offsets) {
        throw Refused{where() + "dtype, shape or data_offsets is missing"};
      }
    }
    --depth_;
    return true;
  }
  bool key(string_t& text) override {
    if (depth_ == 1) {
      name_ = text;
      charge(text.size() + sizeof(SafetensorsEntry) + 64);
      if (in_metadata() && std::exchange(has_metadata_, true)) twice(name_);
    } else if (depth_ == 2 && in_metadata()) {
      field_ = text;
      if (!metadata_keys_.insert(text).second) twice(text);
    } else if (depth_ == 2) {
      field_ = text;
      bool* const flag = field_ == "dtype"          ? &seen_.dtype
                         : field_ == "shape"        ? &seen_.shape
                         : field_ == "data_offsets" ? &seen_.offsets
                                                    : nullptr;
      if (flag != nullptr && *flag)
        throw Refused{where() + "key " + core::quoted(field_) + " appears twice"};
      if (flag != nullptr) *flag = true;
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 2 && !in_metadata() && field_ == "data_offsets") offsets_ = 0;
    if (depth_ < 2 || in_metadata() || (depth_ > 2 && !ignored())) {
      throw Refused{where() + "an array where none belongs"};
    }
    enter();
    return true;
  }
  bool end_array() override {
    if (depth_ == 3 && field_ == "data_offsets" && offsets_ != 2) {
      throw Refused{where() + "data_offsets are not two numbers"};
    }
    --depth_;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (ignored()) return true;
    SafetensorsEntry& entry = current();
    if (depth_ != 3) return unexpected("a number");
    if (field_ == "shape") {
      charge(8);
      entry.shape.push_back(value);
    } else {
      if (offsets_ > 1) throw Refused{where() + "data_offsets are not two numbers"};
      (offsets_++ == 0 ? entry.begin : entry.end) = value;
    }
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ == 2 && in_metadata()) {
      charge(text.size() + field_.size() + 64);
      out_.metadata.emplace_back(field_, text);
      return true;
    }
    if (ignored()) return true;
    if (depth_ != 2 || field_ != "dtype") return unexpected("a string");
    const auto dtype = dtype_from_name(text);
    if (!dtype || !in_safetensors(*dtype)) {
      throw Refused{where() + "unknown dtype " + core::quoted(text)};
    }
    current().dtype = *dtype;
    return true;
  }
  bool null() override { return ignored() || unexpected("null"); }
  bool boolean(bool) override { return ignored() || unexpected("a boolean"); }
  bool number_integer(number_integer_t) override {
    return ignored() || unexpected("a negative number");
  }
  bool number_float(number_float_t, const string_t&) override {
    return ignored() || unexpected("a number that is no integer of 64 bits");
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    error_at_ = position;
    return false;
  }

  [[nodiscard]] std::size_t error_at() const { return error_at_; }

 private:
  struct Seen {
    bool dtype = false, shape = false, offsets = false;
    void reset() { *this = {}; }
  };
  void enter() {
    if (++depth_ > kMaxDepth) throw Refused{"nested deeper than 8"};
  }
  // Unknown keys of a tensor may hold anything.
  [[nodiscard]] bool ignored() const {
    return depth_ >= 2 && !in_metadata() && field_ != "dtype" && field_ != "shape" &&
           field_ != "data_offsets";
  }
  [[nodiscard]] bool in_metadata() const { return name_ == "__metadata__"; }
  SafetensorsEntry& current() {
    if (depth_ < 2 || in_metadata()) {
      throw Refused{in_metadata() ? "__metadata__ is not a map of strings to strings"
                                  : "the header is no map of tensors"};
    }
    return out_.entries.back();
  }
  bool unexpected(const char* what) {
    (void)current();
    throw Refused{where() + what + " for " + core::quoted(field_)};
  }
  [[nodiscard]] std::string where() const {
    return name_.empty() ? "" : "tensor " + core::quoted(name_) + ": ";
  }
  void charge(std::uint64_t bytes) {
    if (bytes > budget_) throw Refused{"the header needs more than --max-memory"};
    budget_ -= bytes;
  }

  SafetensorsFile& out_;
  std::uint64_t budget_;
  std::size_t depth_ = 0, offsets_ = 0, error_at_ = 0;
  std::string name_, field_;
  std::unordered_set<std::string> metadata_keys_;
  bool has_metadata_ = false;
  Seen seen_;
};

void check_names(const SafetensorsFile& parsed) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(parsed.entries.size());
  for (const SafetensorsEntry& entry : parsed.entries) {
    if (!seen.insert(entry.name).second) twice(entry.name);
  }
}

void check_sizes(const SafetensorsFile& parsed) {
  const auto what = [](const SafetensorsEntry& entry) {
    return "tensor " + core::quoted(entry.name) + ": ";
  };
  for (const SafetensorsEntry& entry : parsed.entries) {
    const auto bytes = tensor_bytes(entry.dtype, entry.shape);
    if (!bytes) throw Refused{what(entry) + "the size overflows or is no whole number of bytes"};
    if (entry.end < entry.begin || entry.end - entry.begin != *bytes) {
      throw Refused{what(entry) + "data_offsets [" + std::to_string(entry.begin) + ", " +
                    std::to_string(entry.end) + "] do not hold the " + std::to_string(*bytes) +
                    " bytes of its shape"};
    }
  }
}

// Entries in the order of their data: no overlap, no hole, nothing after the last.
void check_layout(SafetensorsFile& parsed, std::uint64_t data_size) {
  std::ranges::stable_sort(parsed.entries, [](const auto& a, const auto& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t at = 0;
  const SafetensorsEntry* before = nullptr;
  for (const SafetensorsEntry& entry : parsed.entries) {
    const auto name = [&entry] { return core::quoted(entry.name); };
    if (entry.begin < at) {
      throw Refused{"tensor " + name() + " overlaps " + core::quoted(before->name)};
    }
    if (entry.begin > at) {
      throw Refused{std::to_string(entry.begin - at) + " bytes before tensor " + name() +
                    " belong to no tensor"};
    }
    if (entry.end > data_size) throw Refused{"tensor " + name() + " passes the end of the file"};
    at = entry.end;
    before = &entry;
  }
  if (at != data_size) {
    throw Refused{std::to_string(data_size - at) + " bytes after the last tensor"};
  }
}

}  // namespace

SafetensorsFile read_safetensors(const ByteFile& file, std::uint64_t max_memory) {
  const auto fail = [&](std::uint64_t at, const std::string& message) {
    return core::input_error({file.name(), std::nullopt, at}, message);
  };
  if (file.size() < 8) throw fail(0, "too short for a safetensors file");
  std::uint64_t length = 0;
  file.read_at(0, &length, 8);
  if (length > kMaxHeader || length > file.size() - 8) {
    throw fail(0, "the header length " + std::to_string(length) + " passes the file or 100 MB");
  }
  SafetensorsFile parsed;
  parsed.data_offset = 8 + length;
  const std::string text = read_text(file, 8, length);
  if (!text.starts_with('{')) throw fail(8, "the header does not begin with {");
  HeaderReader reader(parsed, max_memory);
  try {
    if (!nlohmann::json::sax_parse(text, &reader)) {
      throw fail(8 + reader.error_at(), "the header is no valid JSON");
    }
    check_names(parsed);
    check_sizes(parsed);
    check_layout(parsed, file.size() - parsed.data_offset);
  } catch (const Refused& refused) {
    throw fail(8, refused.message);
  }
  return parsed;
}

std::string safetensors_header(std::vector<SafetensorsEntry>& entries,
                               const std::vector<std::pair<std::string, std::string>>& metadata,
                               std::uint64_t align) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object();
  if (!metadata.empty()) {
    json.key("__metadata__").begin_object();
    for (const auto& [key, value] : metadata) json.field(key, value);
    json.end_object();
  }
  std::uint64_t at = 0;
  for (SafetensorsEntry& entry : entries) {
    entry.begin = at;
    entry.end = at += *tensor_bytes(entry.dtype, entry.shape);
    json.key(entry.name).begin_object().field("dtype", dtype_name(entry.dtype));
    json.key("shape").begin_array();
    for (const std::uint64_t size : entry.shape) json.value(size);
    json.end_array().key("data_offsets").begin_array().value(entry.begin).value(entry.end);
    json.end_array().end_object();
  }
  json.end_object();
  text.append((align - (8 + text.size()) % align) % align, ' ');
  const std::uint64_t length = text.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  return out + text;
}

}  // namespace stateutils::ckpt
