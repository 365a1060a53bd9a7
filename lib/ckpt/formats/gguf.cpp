#include "ckpt/formats/gguf.hpp"

#include <algorithm>
#include <cstring>

#include "ckpt/formats/gguf_types.hpp"
#include "ckpt/formats/write_options.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/checked.hpp"
#include "core/error.hpp"
#include "core/utf8.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::string_view kGgufMagic = "GGUF";
constexpr std::uint64_t kAlignment = 32;  // unless general.alignment says otherwise
constexpr std::uint32_t kMostDimensions = 8;
constexpr int kMostNesting = 8;

// Value types of key-value records.
enum class Value : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};
constexpr std::uint64_t kValueBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// The header, read in order.
class Cursor {
 public:
  Cursor(const ByteFile& file, std::uint64_t memory) : file_(file), memory_(memory) {}

  [[noreturn]] void fail(const std::string& message) const {
    throw core::input_error({file_.name(), std::nullopt, at_}, message);
  }
  [[nodiscard]] std::uint64_t at() const { return at_; }
  [[nodiscard]] std::uint64_t left() const { return file_.size() - at_; }

  template <class T>
  T number() {
    T value{};
    std::memcpy(&value, bytes(sizeof(T)), sizeof(T));
    return value;
  }
  std::string text() {
    const auto length = number<std::uint64_t>();
    if (length > left()) fail("a string passes the end of the file");
    charge(length);
    std::string out = read_text(file_, at_, length);
    skip(length);
    return out;
  }
  void skip(std::uint64_t count) {
    if (count > left()) fail("the header passes the end of the file");
    at_ += count;
  }
  void charge(std::uint64_t count) {
    if (count > memory_) {
      throw core::input_error({file_.name()}, "the header needs more than --max-memory");
    }
    memory_ -= count;
  }

 private:
  // Small fields come from a window, so that a header is not thousands of reads.
  const char* bytes(std::uint64_t count) {
    if (count > left()) fail("the header passes the end of the file");
    if (at_ < start_ || at_ + count > start_ + window_.size()) {
      constexpr std::uint64_t kWindow = 64u << 10;
      start_ = at_;
      window_ = read_text(file_, at_, std::min(kWindow, left()));
    }
    const char* const found = window_.data() + (at_ - start_);
    at_ += count;
    return found;
  }

  const ByteFile& file_;
  std::uint64_t memory_, at_ = 0, start_ = 0;
  std::string window_;
};

class GgufReader {
 public:
  GgufReader(const ByteFilePtr& file, const ReadOptions& options)
      : file_(file), in_(*file, options.max_memory) {
    catalogue_.format = "gguf";
    catalogue_.source = file->name();
    catalogue_.files.push_back(file->name());
  }

  Catalogue run() {
    if (in_.left() < 24 || in_.number<std::uint32_t>() != magic_number()) in_.fail("no GGUF file");
    const auto version = in_.number<std::uint32_t>();
    if (version != 2 && version != 3) {
      in_.fail("GGUF version " + std::to_string(version) + "; versions 2 and 3 are read" +
               (version > 0xffff ? " (big-endian files are not)" : ""));
    }
    const auto tensors = in_.number<std::uint64_t>(), values = in_.number<std::uint64_t>();
    // The smallest record of either kind: a lie about their number costs nothing.
    constexpr std::uint64_t kLeastTensor = 24, kLeastValue = 13;
    if (tensors > in_.left() / kLeastTensor || values > in_.left() / kLeastValue)
      in_.fail("more records than the file has room for");
    read_values(values);
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor();
    place_tensors();
    check_unique_names(catalogue_);
    return std::move(catalogue_);
  }

 private:
  static std::uint32_t magic_number() {
    std::uint32_t magic = 0;
    std::memcpy(&magic, kGgufMagic.data(), sizeof magic);
    return magic;
  }

  void read_values(std::uint64_t count) {
    const std::uint64_t first = in_.at();
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string key = in_.text();
      const auto type = in_.number<std::uint32_t>();
      if (key == "general.alignment" && type == static_cast<std::uint32_t>(Value::kU32)) {
        alignment_ = in_.number<std::uint32_t>();
        if (alignment_ == 0 || alignment_ % 8 != 0)
          in_.fail("general.alignment is no multiple of 8");
      } else if (type == static_cast<std::uint32_t>(Value::kString)) {
        std::string text = in_.text();
        if (core::is_valid_utf8(key) && core::is_valid_utf8(text))
          catalogue_.metadata.emplace_back(key, std::move(text));
        continue;
      } else {
        skip_value(type, 0);
      }
      ++catalogue_.objects;
    }
    const std::uint64_t size = in_.at() - first;
    in_.charge(size);
    std::string raw(reinterpret_cast<const char*>(&count), sizeof count);
    raw += read_text(*file_, first, size);
    catalogue_.gguf_values = std::make_shared<const std::string>(std::move(raw));
  }
  void skip_value(std::uint32_t type, int depth) {
    if (type >= std::size(kValueBytes)) in_.fail("a value of no known type");
    if (type == static_cast<std::uint32_t>(Value::kString)) {
      in_.skip(in_.number<std::uint64_t>());
    } else if (type == static_cast<std::uint32_t>(Value::kArray)) {
      if (depth >= kMostNesting) in_.fail("arrays nested deeper than 8");
      const auto inner = in_.number<std::uint32_t>();
      const auto count = in_.number<std::uint64_t>();
      if (inner < std::size(kValueBytes) && kValueBytes[inner] > 0) {
        const auto bytes = core::checked_mul(count, kValueBytes[inner]);
        if (!bytes) in_.fail("the size of an array overflows");
        in_.skip(*bytes);
        return;
      }
      if (count > in_.left() / 8) in_.fail("an array passes the end of the file");
      for (std::uint64_t i = 0; i < count; ++i) skip_value(inner, depth + 1);
    } else {
      in_.skip(kValueBytes[type]);
    }
  }

  struct Placed {
    const GgufType* type;
    std::uint64_t offset;
  };
  void read_tensor() {
    Tensor tensor{.name = in_.text()};
    if (!core::is_valid_utf8(tensor.name)) in_.fail("a tensor name is not UTF-8");
    const auto dimensions = in_.number<std::uint32_t>();
    if (dimensions > kMostDimensions) in_.fail("a tensor of more than 8 dimensions");
    for (std::uint32_t d = 0; d < dimensions; ++d)
      tensor.shape.push_back(in_.number<std::uint64_t>());
    std::ranges::reverse(tensor.shape);  // the file has the fastest dimension first
    const auto id = in_.number<std::uint32_t>();
    const GgufType* const type = gguf_type(id);
    if (type == nullptr) {
      in_.fail("tensor " + core::quoted(tensor.name) + " has type " + std::to_string(id) +
               ", which is not known");
    }
    const auto offset = in_.number<std::uint64_t>();
    in_.charge(sizeof(Tensor) + tensor.name.size());
    catalogue_.tensors.push_back(std::move(tensor));
    placed_.push_back({type, offset});
  }

  void place_tensors() {
    data_ = (in_.at() + alignment_ - 1) / alignment_ * alignment_;
    for (std::size_t i = 0; i < placed_.size(); ++i) place(catalogue_.tensors[i], placed_[i]);
    check_overlap();
  }
  void place(Tensor& tensor, const Placed& placed) {
    const GgufType& type = *placed.type;
    const Shape logical = tensor.shape;
    const std::string what = "tensor " + core::quoted(tensor.name);
    if (!type.dtype) {
      if (logical.empty() || logical.back() % type.elements != 0)
        in_.fail(what + ": its rows are no whole blocks of " + std::string(type.name));
      const auto row = core::checked_mul(logical.back() / type.elements, type.bytes);
      if (!row) in_.fail(what + ": its size overflows");
      tensor.shape.back() = *row;
    }
    tensor.dtype = type.dtype.value_or(DType::kU8);
    const auto size = tensor_bytes(tensor.dtype, tensor.shape);
    const auto at = core::checked_add(data_, placed.offset);
    if (!size || !at || *at > file_->size() || *size > file_->size() - *at ||
        !element_count(logical))
      in_.fail(what + " passes the end of the file");
    if (placed.offset % alignment_ != 0) in_.fail(what + " is not aligned");
    tensor.pieces = {dense_piece(tensor.dtype, tensor.shape, file_, *at)};
    if (type.dtype) return;
    catalogue_.metadata.emplace_back("gguf." + tensor.name, type.name);
    if (ByteFilePtr numbers = dequantised_file(type, sub_file(file_, *at, *size))) {
      tensor.numbers = std::make_shared<const Tensor>(
          dense_tensor(tensor.name, DType::kF32, logical, std::move(numbers), 0));
    }
  }
  void check_overlap() const {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    for (const Tensor& tensor : catalogue_.tensors) {
      if (tensor.bytes() > 0)
        ranges.emplace_back(tensor.pieces[0].at, tensor.pieces[0].at + tensor.bytes());
    }
    std::ranges::sort(ranges);
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      if (ranges[i].first < ranges[i - 1].second)
        throw core::input_error({file_->name(), std::nullopt, ranges[i].first},
                                "two tensors overlap");
    }
  }

  const ByteFilePtr& file_;
  Cursor in_;
  Catalogue catalogue_;
  std::vector<Placed> placed_;
  std::uint64_t alignment_ = kAlignment, data_ = 0;
};

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

// The source's own records, or its metadata as strings.
std::string value_records(const Target& target) {
  if (target.gguf_values) return *target.gguf_values;
  std::string out;
  put(out, std::uint64_t{target.metadata.size()});
  for (const auto& [key, value] : target.metadata) {
    put_text(out, key);
    put(out, static_cast<std::uint32_t>(Value::kString));
    put_text(out, value);
  }
  return out;
}

// The file's alignment must be what its records say.
std::uint64_t alignment_in(const std::string& records) {
  const std::string key = "general.alignment";
  std::string wanted;
  put_text(wanted, key);
  put(wanted, static_cast<std::uint32_t>(Value::kU32));
  const auto found = records.find(wanted);
  if (found == std::string::npos || found + wanted.size() + 4 > records.size()) return kAlignment;
  std::uint32_t value = 0;
  std::memcpy(&value, records.data() + found + wanted.size(), sizeof value);
  return value == 0 ? kAlignment : value;
}

const GgufType& written_type(const TargetTensor& tensor) {
  const GgufType* const type = gguf_type_of(tensor.dtype);
  if (type == nullptr || tensor.dtype == DType::kF64 || !is_floating(tensor.dtype)) {
    throw core::usage_error("GGUF is written with F32, F16 and BF16 tensors; " +
                            core::quoted(tensor.name) + " is " +
                            std::string(dtype_name(tensor.dtype)) + "; give --dtype or --exclude");
  }
  return *type;
}

}  // namespace

bool is_gguf(const ByteFile& file) {
  return file.size() >= 24 && read_text(file, 0, kGgufMagic.size()) == kGgufMagic;
}

Catalogue open_gguf(const ByteFilePtr& file, const ReadOptions& options) {
  return GgufReader(file, options).run();
}

std::vector<OutputPlan> plan_gguf(const Target& target, const WriteOptions&) {
  constexpr std::uint32_t kVersion = 3;
  const std::string values = value_records(target);
  const std::uint64_t alignment = alignment_in(values);
  const auto padding = [alignment](std::uint64_t size) {
    return (alignment - size % alignment) % alignment;
  };
  std::string header(kGgufMagic);
  put(header, kVersion);
  put(header, std::uint64_t{target.tensors.size()});
  header += values;
  OutputPlan plan{.name = ""};
  std::vector<Region> data;
  std::uint64_t at = 0;
  for (const TargetTensor& tensor : target.tensors) {
    const GgufType& type = written_type(tensor);
    put_text(header, tensor.name);
    put(header, static_cast<std::uint32_t>(tensor.shape.size()));
    for (std::size_t d = tensor.shape.size(); d-- > 0;) put(header, tensor.shape[d]);
    put(header, type.id);
    put(header, at);
    const std::uint64_t size = tensor.bytes->size(), gap = padding(size);
    if (size > 0) data.push_back({.content = tensor.bytes, .size = size});
    if (gap > 0) data.push_back({.content = zero_file(gap), .size = gap});
    at += size + gap;
  }
  header.append(padding(header.size()), '\0');
  plan.literal(std::move(header));
  for (Region& region : data) plan.regions.push_back(std::move(region));
  std::vector<OutputPlan> plans;
  plans.push_back(std::move(plan));
  return plans;
}

}  // namespace stateutils::ckpt
