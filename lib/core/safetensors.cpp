#include "core/safetensors.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>

#include "core/checked.hpp"
#include "core/error.hpp"
#include "core/json_sax.hpp"
#include "core/json_writer.hpp"

namespace stateutils::core {
namespace {

// The reference implementation's limit (safetensors, MAX_HEADER_SIZE).
constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;
constexpr std::uint64_t kLengthBytes = 8;
constexpr std::size_t kMaxHeaderDepth = 8;
// What an entry costs beside its name: the nodes of strings and tables.
constexpr std::uint64_t kEntryMemory = 64;
constexpr std::string_view kMetadata = "__metadata__";

// Reads the header as a stream of events: no document is built, so memory follows the tensors that
// are there and not what a hostile header could make of a tree.
class HeaderHandler {
 public:
  using binary_t = nlohmann::json::binary_t;

  HeaderHandler(std::string_view text, const std::string& file, std::uint64_t max_memory)
      : text_(text), file_(file), budget_(max_memory) {}

  SafetensorsHeader parse() {
    if (!text_.starts_with('{')) throw error("the header does not begin with '{'");
    sax_parse(text_, taken_, *this, false);
    return std::move(header_);
  }

  bool null() { return scalar("null"); }
  bool boolean(bool) { return scalar("a boolean"); }
  bool number_integer(std::int64_t) { return scalar("a negative number"); }
  bool number_float(double, const std::string&) { return scalar("a number that is no size"); }
  bool binary(binary_t&) { return scalar("binary data"); }

  bool number_unsigned(std::uint64_t number) {
    switch (state_) {
      case State::kShapeItem:
        charge(sizeof number);
        tensor_.shape.push_back(number);
        return true;
      case State::kOffsetItem:
        if (offsets_ == 2) throw error("data_offsets has more than two items");
        (offsets_++ == 0 ? tensor_.begin : tensor_.end) = number;
        return true;
      default:
        return scalar("a number");
    }
  }

  bool string(std::string& text) {
    if (state_ == State::kMetadataValue) {
      charge(text.size());
      header_.metadata.emplace_back(std::move(key_), std::move(text));
      state_ = State::kMetadataKey;
      return true;
    }
    if (state_ == State::kDType) {
      const auto type = dtype_from_name(text);
      if (!type || !in_safetensors(*type)) {
        throw error("tensor " + quoted(tensor_.name) + ": unknown dtype " + quoted(text));
      }
      tensor_.dtype = *type;
      state_ = State::kField;
      return true;
    }
    return scalar("a string");
  }

  bool key(std::string& name) {
    switch (state_) {
      case State::kTensorName:
        if (!names_.insert(name).second) {
          throw error((name == kMetadata ? "" : "tensor ") + quoted(name) + " appears twice");
        }
        charge(2 * name.size() + sizeof(TensorInfo) + kEntryMemory);
        key_ = std::move(name);
        state_ = State::kTensor;
        return true;
      case State::kMetadataKey:
        if (!metadata_names_.insert(name).second) {
          throw error("__metadata__: key " + quoted(name) + " appears twice");
        }
        charge(2 * name.size() + kEntryMemory);
        key_ = std::move(name);
        state_ = State::kMetadataValue;
        return true;
      case State::kField:
        return field(name);
      default:
        return true;  // inside a field that is skipped
    }
  }

  bool start_object(std::size_t) {
    descend();
    if (state_ == State::kStart) {
      state_ = State::kTensorName;
    } else if (state_ == State::kTensor && key_ == kMetadata) {
      state_ = State::kMetadataKey;
    } else if (state_ == State::kTensor) {
      tensor_ = TensorInfo{};
      tensor_.name = std::move(key_);
      has_dtype_ = has_shape_ = has_offsets_ = false;
      state_ = State::kField;
    } else if (state_ != State::kSkipped) {
      throw unexpected("an object");
    }
    return true;
  }

  bool end_object() {
    --depth_;
    if (state_ == State::kSkipped) return end_skipped();
    if (state_ == State::kField) finish_tensor();
    state_ = State::kTensorName;
    return true;
  }

  bool start_array(std::size_t) {
    descend();
    if (state_ == State::kShape) {
      state_ = State::kShapeItem;
    } else if (state_ == State::kOffsets) {
      offsets_ = 0;
      state_ = State::kOffsetItem;
    } else if (state_ != State::kSkipped) {
      throw unexpected("an array");
    }
    return true;
  }

  bool end_array() {
    --depth_;
    if (state_ == State::kSkipped) return end_skipped();
    if (state_ == State::kOffsetItem && offsets_ != 2) throw error("data_offsets needs two items");
    state_ = State::kField;
    return true;
  }

  template <class Exception>
  bool parse_error(std::size_t, const std::string&, const Exception& exception) {
    throw error(plain_message(exception));
  }

 private:
  // What the next event may be.
  enum class State {
    kStart,
    kTensorName,
    kTensor,
    kField,
    kDType,
    kShape,
    kShapeItem,
    kOffsets,
    kOffsetItem,
    kMetadataKey,
    kMetadataValue,
    kSkipped
  };

  [[nodiscard]] Error error(const std::string& message) const {
    return input_error({file_, {}, kLengthBytes + (taken_ > 0 ? taken_ - 1 : 0)}, message);
  }
  [[nodiscard]] Error unexpected(const std::string& what) const {
    switch (state_) {
      case State::kDType:
        return error("dtype: expected a string, found " + what);
      case State::kShape:
      case State::kShapeItem:
        return error("shape: expected a list of sizes, found " + what);
      case State::kOffsets:
      case State::kOffsetItem:
        return error("data_offsets: expected two offsets, found " + what);
      case State::kMetadataValue:
        return error("__metadata__: expected a string, found " + what);
      default:
        return error("expected a tensor's object, found " + what);
    }
  }

  void descend() {
    if (++depth_ > kMaxHeaderDepth) throw error("nested deeper than 8 levels");
  }
  void charge(std::uint64_t bytes) {
    if (bytes > budget_) throw error("the header needs more memory than --max-memory");
    budget_ -= bytes;
  }

  bool field(const std::string& name) {
    if (name == "dtype") return field(has_dtype_, name, State::kDType);
    if (name == "shape") return field(has_shape_, name, State::kShape);
    if (name == "data_offsets") return field(has_offsets_, name, State::kOffsets);
    state_ = State::kSkipped;  // unknown fields are ignored, as the reference does
    skip_depth_ = depth_;
    return true;
  }
  bool field(bool& seen, const std::string& name, State next) {
    if (seen) throw error("tensor " + quoted(tensor_.name) + ": " + name + " appears twice");
    seen = true;
    state_ = next;
    return true;
  }

  // A value that only a skipped field may have.
  bool scalar(const char* what) {
    if (state_ != State::kSkipped) throw unexpected(what);
    return end_skipped();
  }
  bool end_skipped() {
    if (depth_ == skip_depth_) state_ = State::kField;
    return true;
  }

  void finish_tensor() {
    if (!has_dtype_ || !has_shape_ || !has_offsets_) {
      throw error("tensor " + quoted(tensor_.name) + ": dtype, shape or data_offsets is missing");
    }
    header_.tensors.push_back(std::move(tensor_));
  }

  std::string_view text_;
  const std::string& file_;
  std::uint64_t budget_;
  std::size_t taken_ = 0;
  SafetensorsHeader header_;
  State state_ = State::kStart;
  std::size_t depth_ = 0, skip_depth_ = 0;
  TensorInfo tensor_;
  std::string key_;
  int offsets_ = 0;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
  std::unordered_set<std::string> names_, metadata_names_;
};

// Tensors tile the buffer: each begins where the one before it ends, the last ends with the file.
void check_layout(const SafetensorsHeader& header, std::uint64_t file_size,
                  const std::string& file) {
  const std::uint64_t buffer = file_size - header.data_offset;
  std::uint64_t expected = 0;
  const TensorInfo* before = nullptr;
  for (const TensorInfo& tensor : header.tensors) {
    const std::string name = "tensor " + quoted(tensor.name);
    const auto error = [&](const std::string& message) {
      const auto at = checked_add(header.data_offset, tensor.begin);
      return input_error({file, {}, at.value_or(file_size)}, name + message);
    };
    if (tensor.end < tensor.begin) throw error(": data_offsets end before they begin");
    if (tensor.end > buffer) {
      throw error(" ends at byte " + std::to_string(tensor.end) + " of a buffer of " +
                  std::to_string(buffer));
    }
    const auto needed = tensor_bytes(tensor.dtype, tensor.shape);
    if (!needed) throw error(": the size overflows or is no whole number of bytes");
    if (*needed != tensor.bytes()) {
      throw error(": shape and dtype need " + std::to_string(*needed) +
                  " bytes, data_offsets give " + std::to_string(tensor.bytes()));
    }
    if (tensor.begin < expected) throw error(" overlaps " + quoted(before->name));
    if (tensor.begin > expected) {
      throw error(": a hole of " + std::to_string(tensor.begin - expected) + " bytes before it");
    }
    expected = tensor.end;
    before = &tensor;
  }
  if (expected != buffer) {
    throw input_error({file, {}, header.data_offset + expected},
                      std::to_string(buffer - expected) + " bytes behind the last tensor");
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view header_json, std::uint64_t file_size,
                                           const std::string& file, std::uint64_t max_memory) {
  if (file_size < kLengthBytes || header_json.size() > file_size - kLengthBytes) {
    throw input_error({file, {}, 0}, "the header is longer than the file");
  }
  SafetensorsHeader header = HeaderHandler(header_json, file, max_memory).parse();
  header.data_offset = kLengthBytes + header_json.size();
  // Empty tensors come first among equals, so that they lie between their neighbours.
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const TensorInfo& a, const TensorInfo& b) {
                     return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
                   });
  check_layout(header, file_size, file);
  return header;
}

SafetensorsHeader read_safetensors_header(const FileReader& file) {
  const ReadAt read_at = [&file](std::uint64_t offset, void* data, std::size_t size) {
    file.read_at(offset, data, size);
  };
  return read_safetensors_header(read_at, file.size(), file.path(), kSafetensorsMemory);
}

SafetensorsHeader read_safetensors_header(const ReadAt& read_at, std::uint64_t file_size,
                                          const std::string& file, std::uint64_t max_memory) {
  const auto error = [&file](const std::string& message) {
    return input_error({file, {}, 0}, message);
  };
  if (file_size < kLengthBytes) throw error("too short for a safetensors file");
  std::array<unsigned char, kLengthBytes> bytes{};
  read_at(0, bytes.data(), bytes.size());
  std::uint64_t length = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) length = length << 8 | bytes[i];
  if (length > kMaxSafetensorsHeader) {
    throw error("a header of " + std::to_string(length) +
                " bytes, more than 100 MB: not safetensors");
  }
  if (length > file_size - kLengthBytes) {
    throw error("the header claims " + std::to_string(length) + " bytes, the file has " +
                std::to_string(file_size - kLengthBytes));
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  read_at(kLengthBytes, text.data(), text.size());
  return parse_safetensors_header(text, file_size, file, max_memory);
}

std::string safetensors_header_bytes(
    std::vector<TensorInfo>& tensors,
    const std::vector<std::pair<std::string, std::string>>& metadata, std::uint64_t align) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  if (!metadata.empty()) {
    out.key(kMetadata).begin_object();
    for (const auto& [key, value] : metadata) out.field(key, value);
    out.end_object();
  }
  std::uint64_t at = 0;
  for (TensorInfo& tensor : tensors) {
    const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
    const auto end = bytes ? checked_add(at, *bytes) : std::nullopt;
    if (!end) throw input_error({}, "tensor " + quoted(tensor.name) + ": too many bytes");
    tensor.begin = at;
    tensor.end = at = *end;
    out.key(tensor.name).begin_object().field("dtype", dtype_name(tensor.dtype));
    out.key("shape").begin_array();
    for (const std::uint64_t extent : tensor.shape) out.value(extent);
    out.end_array().key("data_offsets").begin_array().value(tensor.begin).value(tensor.end);
    out.end_array().end_object();
  }
  out.end_object();
  json.append((align - (kLengthBytes + json.size()) % align) % align, ' ');
  if (json.size() > kMaxSafetensorsHeader)
    throw input_error({}, "a safetensors header of more than 100 MB");

  std::string bytes;
  bytes.reserve(kLengthBytes + json.size());
  for (int shift = 0; shift < 64; shift += 8) {
    bytes += static_cast<char>(static_cast<std::uint64_t>(json.size()) >> shift & 0xFF);
  }
  return bytes + json;
}

}  // namespace stateutils::core
