#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include "core/checked.hpp"
#include "core/error.hpp"
#include "core/npy.hpp"
#include "core/units.hpp"

namespace stateutils::core {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 64 << 10;
constexpr std::size_t kAlignment = 64;  // of the data (NEP 1)

struct TypeRow {
  NpyType type;
  std::string_view code;  // without the byte order
  std::size_t size;
};
constexpr std::array<TypeRow, 7> kTypes{{{NpyType::kF4, "f4", 4},
                                         {NpyType::kF8, "f8", 8},
                                         {NpyType::kI4, "i4", 4},
                                         {NpyType::kI8, "i8", 8},
                                         {NpyType::kU4, "u4", 4},
                                         {NpyType::kU8, "u8", 8},
                                         {NpyType::kU1, "u1", 1}}};

const TypeRow& row_of(NpyType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(),
                       [&](const TypeRow& row) { return row.type == type; });
}

std::optional<std::uint64_t> product(std::span<const std::uint64_t> shape) {
  if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) return 0;
  std::uint64_t items = 1;
  for (const std::uint64_t extent : shape) {
    const auto next = checked_mul(items, extent);
    if (!next) return std::nullopt;
    items = *next;
  }
  return items;
}

// The dictionary is a Python literal of three known keys; only what numpy itself can have written
// there is understood.
class DictParser {
 public:
  DictParser(std::string_view text, std::uint64_t offset, const std::string& file)
      : text_(text), offset_(offset), file_(file) {}

  NpyHeader parse() {
    NpyHeader header;
    expect('{');
    bool descr = false, order = false, shape = false;
    while (!take('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !std::exchange(descr, true)) {
        parse_descr(header);
      } else if (key == "fortran_order" && !std::exchange(order, true)) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !std::exchange(shape, true)) {
        header.shape = tuple();
      } else {
        throw error("unexpected or doubled key " + quoted(key));
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    // NumPy evaluates the header as Python: a comment may follow.
    if (at_ != text_.size() && text_[at_] != '#') throw error("text behind the dictionary");
    if (!descr || !order || !shape) throw error("descr, fortran_order or shape is missing");
    check_size(header);
    return header;
  }

 private:
  [[nodiscard]] Error error(const std::string& message) const {
    return input_error({file_, {}, offset_ + at_}, ".npy header: " + message);
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) throw error(std::string("expected '") + c + "'");
  }
  std::string_view string() {
    skip_blanks();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') throw error("expected a string");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) throw error("a string without its closing quote");
    const std::string_view content = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return content;
  }
  bool boolean() {
    skip_blanks();
    for (const bool value : {false, true}) {
      const std::string_view name = value ? "True" : "False";
      if (text_.substr(at_).starts_with(name)) {
        at_ += name.size();
        return value;
      }
    }
    throw error("fortran_order: expected True or False");
  }
  std::uint64_t extent() {
    skip_blanks();
    std::size_t end = at_;
    while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') ++end;
    const auto value = parse_u64(text_.substr(at_, end - at_));
    if (!value) throw error("shape: expected a size that is not negative and fits 64 bits");
    at_ = end;
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // written by Python 2
    return *value;
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> shape;
    expect('(');
    bool comma = true;
    while (!take(')')) {
      if (!comma) throw error("shape: expected ',' or ')'");
      shape.push_back(extent());
      comma = take(',');
    }
    if (shape.size() == 1 && !comma) throw error("shape: expected a tuple");
    return shape;
  }
  void parse_descr(NpyHeader& header) {
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '[') throw error("structured types are not supported");
    const std::string_view descr = string();
    const std::string_view code = descr.substr(descr.empty() ? 0 : 1);
    const auto* row = std::find_if(kTypes.begin(), kTypes.end(),
                                   [&](const TypeRow& r) { return r.code == code; });
    const bool ordered = row != kTypes.end() && (descr[0] == '<' || descr[0] == '>' ||
                                                 (descr[0] == '|' && row->size == 1));
    if (!ordered) {
      throw error("dtype " + quoted(descr) + ", supported are f4 f8 i4 i8 u4 u8 u1");
    }
    header.type = row->type;
    header.big_endian = descr[0] == '>' && row->size > 1;
  }
  void check_size(const NpyHeader& header) const {
    const auto items = product(header.shape);
    if (!items || !checked_mul(*items, item_size(header.type))) {
      throw error("the shape has more bytes than 64 bits can count");
    }
  }

  std::string_view text_;
  std::uint64_t offset_;
  const std::string& file_;
  std::size_t at_ = 0;
};

}  // namespace

std::size_t item_size(NpyType type) {
  return row_of(type).size;
}

std::string_view npy_descr(NpyType type) {
  switch (type) {
    case NpyType::kF4:
      return "<f4";
    case NpyType::kF8:
      return "<f8";
    case NpyType::kI4:
      return "<i4";
    case NpyType::kI8:
      return "<i8";
    case NpyType::kU4:
      return "<u4";
    case NpyType::kU8:
      return "<u8";
    case NpyType::kU1:
      return "|u1";
  }
  return "";
}

std::uint64_t NpyHeader::items() const {
  const auto count = product(shape);
  if (!count) throw input_error({}, "the shape has more items than 64 bits can count");
  return *count;
}

NpyHeader read_npy_header(ByteSource& source) {
  const auto short_at = [&](std::uint64_t offset, const char* what) {
    return input_error({source.name(), {}, offset}, what);
  };
  std::array<unsigned char, 12> start{};  // magic, version, length of 2 or 4 bytes
  if (!read_exact(source, start.data(), 8) ||
      std::memcmp(start.data(), kMagic.data(), kMagic.size()) != 0) {
    throw short_at(0, "not a .npy file: wrong magic");
  }
  const int major = start[6], minor = start[7];
  if (major < 1 || major > 3 || minor != 0) {
    throw short_at(6, "unknown .npy version, supported are 1.0 to 3.0");
  }
  const std::size_t width = major == 1 ? 2 : 4;
  if (!read_exact(source, start.data() + 8, width)) throw short_at(8, ".npy header cut off");
  std::size_t length = 0;
  for (std::size_t i = 0; i < width; ++i) {
    length |= static_cast<std::size_t>(start[8 + i]) << (8 * i);
  }
  if (length > kMaxHeader) {
    throw short_at(8, ".npy header longer than 64 KiB");
  }
  std::string text(length, '\0');
  if (!read_exact(source, text.data(), length)) throw short_at(8 + width, ".npy header cut off");
  NpyHeader header = DictParser(text, 8 + width, source.name()).parse();
  header.data_offset = 8 + width + length;
  return header;
}

std::string npy_header_bytes(NpyType type, std::span<const std::uint64_t> shape, bool complex128) {
  std::string dict = "{'descr': '";
  dict += complex128 ? std::string_view("<c16") : npy_descr(type);
  dict += "', 'fortran_order': False, 'shape': (";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) dict += ", ";
    dict += std::to_string(shape[i]);
  }
  dict += shape.size() == 1 ? ",), }" : "), }";

  const std::size_t before = kMagic.size() + 4;
  const std::size_t total = (before + dict.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  dict.append(total - before - dict.size() - 1, ' ');
  dict += '\n';
  if (dict.size() > 0xFFFF) throw usage_error("an array of too many dimensions for .npy 1.0");
  std::string bytes(kMagic);
  bytes +=
      {'\x01', '\x00', static_cast<char>(dict.size() & 0xFF), static_cast<char>(dict.size() >> 8)};
  return bytes + dict;
}

void write_npy_header(Output& out, NpyType type, std::span<const std::uint64_t> shape) {
  out.write(npy_header_bytes(type, shape));
}

void write_npy(Output& out, std::span<const std::uint64_t> shape, std::span<const double> values) {
  write_npy_header(out, NpyType::kF8, shape);
  out.write(values.data(), values.size_bytes());
}

}  // namespace stateutils::core
