#include "ckpt/formats/numpy.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "ckpt/formats/safe_name.hpp"
#include "ckpt/formats/write_options.hpp"
#include "ckpt/zip/inflate.hpp"
#include "ckpt/zip/reader.hpp"
#include "ckpt/zip/writer.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::string_view kNpyMagic{"\x93NUMPY", 6};

constexpr std::pair<std::string_view, DType> kNpyTypes[] = {
    {"b1", DType::kBool}, {"u1", DType::kU8},   {"i1", DType::kI8},  {"i2", DType::kI16},
    {"u2", DType::kU16},  {"i4", DType::kI32},  {"u4", DType::kU32}, {"i8", DType::kI64},
    {"u8", DType::kU64},  {"f2", DType::kF16},  {"f4", DType::kF32}, {"f8", DType::kF64},
    {"c8", DType::kC64},  {"c16", DType::kC128}};

struct Header {
  DType dtype = DType::kF32;
  bool big_endian = false, fortran = false;
  Shape shape;
  std::uint64_t data = 0;  // offset of the first element
};

// The dictionary of the header (NEP 1): 'descr', 'fortran_order', 'shape', in any order.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Header parse() {
    Header header;
    bool seen[3] = {};
    expect('{');
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr") {
        type(header, quoted());
        seen[0] = true;
      } else if (key == "fortran_order") {
        header.fortran = word() == "True";
        seen[1] = true;
      } else if (key == "shape") {
        header.shape = tuple();
        seen[2] = true;
      } else {
        fail("an unknown key in the header");
      }
      take(',');
    }
    if (!seen[0] || !seen[1] || !seen[2]) fail("the header lacks descr, fortran_order or shape");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw core::input_error({file_, std::nullopt, at_}, message);
  }
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail("the header is malformed");
  }
  std::string_view quoted() {
    blanks();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"'))
      fail("a dtype that is no plain type");
    const auto end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) fail("the header is malformed");
    const auto inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return inside;
  }
  std::string_view word() {
    blanks();
    const std::size_t first = at_;
    while (at_ < text_.size() && ((text_[at_] | 32) >= 'a' && (text_[at_] | 32) <= 'z')) ++at_;
    return text_.substr(first, at_ - first);
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!take(')')) {
      blanks();
      const std::size_t first = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      const auto size = core::parse_u64(text_.substr(first, at_ - first));
      if (!size) fail("the shape is malformed");
      shape.push_back(*size);
      take('L');  // Python 2
      take(',');
    }
    return shape;
  }
  void type(Header& header, std::string_view descr) const {
    header.big_endian = descr.starts_with('>');
    if (!descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos)
      descr.remove_prefix(1);
    for (const auto& [code, dtype] : kNpyTypes) {
      if (code != descr) continue;
      header.dtype = dtype;
      return;
    }
    fail("dtype " + core::quoted(descr) + " is not read (objects never are)");
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

Header read_header(const ByteFile& file, std::uint64_t at, std::uint64_t size) {
  const auto fail = [&](const std::string& message) {
    return core::input_error({file.name(), std::nullopt, at}, message);
  };
  if (size < 10 || read_text(file, at, 6) != kNpyMagic) throw fail("no .npy array");
  const std::string start = read_text(file, at + 6, std::min<std::uint64_t>(6, size - 6));
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(start[i]));
  };
  const bool wide = start[0] >= 2;
  if (start[0] < 1 || start[0] > 3 || (wide && size < 12)) throw fail("an unknown version of .npy");
  const std::uint64_t length =
      wide ? byte(2) | byte(3) << 8 | byte(4) << 16 | byte(5) << 24 : byte(2) | byte(3) << 8;
  const std::uint64_t begin = wide ? 12 : 10;
  if (length > 65536 || length > size - begin)
    throw fail("the header is longer than 64 KiB or the file");
  const std::string text = read_text(file, at + begin, length);
  Header header = HeaderText(text, file.name()).parse();
  header.data = begin + length;
  const auto bytes = tensor_bytes(header.dtype, header.shape);
  if (!bytes || *bytes > size - header.data) throw fail("less data than the header claims");
  return header;
}

Tensor read_array(const ByteFilePtr& file, std::uint64_t at, std::uint64_t size,
                  const std::string& name) {
  const Header header = read_header(*file, at, size);
  Tensor tensor = dense_tensor(name, header.dtype, header.shape, file, at + header.data);
  Piece& piece = tensor.pieces.front();
  const std::uint64_t item = item_bytes(header.dtype);
  if (header.fortran) {
    std::uint64_t step = item;
    for (std::size_t d = 0; d < header.shape.size(); ++d) {
      piece.strides[d] = step;
      step *= std::max<std::uint64_t>(1, header.shape[d]);
    }
  }
  const bool complex = header.dtype == DType::kC64 || header.dtype == DType::kC128;
  if (header.big_endian && item > 1) {
    piece.file = swapped_file(sub_file(file, piece.at, tensor.bytes()), complex ? item / 2 : item);
    piece.at = 0;
  }
  return tensor;
}

}  // namespace

bool is_npy(const ByteFile& file) {
  return file.size() >= 10 && read_text(file, 0, 6) == kNpyMagic;
}

Catalogue open_npy(const ByteFilePtr& file, const ReadOptions&) {
  Catalogue catalogue{.format = "npy", .source = file->name()};
  catalogue.files.push_back(file->name());
  catalogue.tensors.push_back(read_array(file, 0, file->size(), "tensor"));
  return catalogue;
}

bool is_npz(const ByteFile& file) {
  if (!looks_like_zip(file) || file.size() < 34) return false;
  // The name in the first local header decides; an archive without entries is no .npz.
  const std::string start = read_text(file, 0, 30);
  const std::size_t length = static_cast<unsigned char>(start[26]) +
                             std::size_t{256} * static_cast<unsigned char>(start[27]);
  return file.size() >= 30 + length && read_text(file, 30, length).ends_with(".npy");
}

Catalogue open_npz(const ByteFilePtr& file, const ReadOptions&) {
  Catalogue catalogue{.format = "npz", .source = file->name()};
  catalogue.files.push_back(file->name());
  for (const ZipEntry& entry : read_zip(*file, {.allow_deflate = true})) {
    const std::string name =
        entry.name.ends_with(".npy") ? entry.name.substr(0, entry.name.size() - 4) : entry.name;
    ByteFilePtr bytes = file;
    std::uint64_t at = entry.data_offset;
    if (entry.deflated) {
      bytes = inflated_file(file, at, entry.stored_size, entry.size);
      at = 0;
    }
    catalogue.tensors.push_back(read_array(bytes, at, entry.size, name));
    catalogue.sums.push_back({bytes, at, entry.size, entry.crc, entry.name});
  }
  check_unique_names(catalogue);
  return catalogue;
}

std::string npy_header(DType dtype, const Shape& shape, const std::string& name) {
  const auto* const found =
      std::ranges::find(kNpyTypes, dtype, &std::pair<std::string_view, DType>::second);
  if (found == std::end(kNpyTypes)) {
    throw core::usage_error("NumPy has no type " + std::string(dtype_name(dtype)) + " for tensor " +
                            core::quoted(name) + "; give --dtype");
  }
  std::string text = "{'descr': '";
  text += item_bytes(dtype) == 1 ? '|' : '<';
  text += std::string(found->first) + "', 'fortran_order': False, 'shape': (";
  for (std::size_t d = 0; d < shape.size(); ++d) {
    text += (d > 0 ? ", " : "") + std::to_string(shape[d]);
  }
  text += shape.size() == 1 ? ",), }" : "), }";
  text.append((64 - (10 + text.size() + 1) % 64) % 64, ' ');
  text += '\n';
  std::string out(kNpyMagic);
  out += '\x01';
  out += '\0';
  out += static_cast<char>(text.size() & 0xff);
  out += static_cast<char>(text.size() >> 8);
  return out + text;
}

std::vector<OutputPlan> plan_npy(const Target& target, const WriteOptions&) {
  if (target.tensors.size() != 1) {
    throw core::usage_error(".npy holds one tensor, " + std::to_string(target.tensors.size()) +
                            " were chosen");
  }
  const TargetTensor& tensor = target.tensors.front();
  OutputPlan plan{.name = ""};
  plan.literal(npy_header(tensor.dtype, tensor.shape, tensor.name));
  plan.regions.push_back({.content = tensor.bytes, .size = tensor.bytes->size()});
  std::vector<OutputPlan> plans;
  plans.push_back(std::move(plan));
  return plans;
}

std::vector<OutputPlan> plan_npz(const Target& target, const WriteOptions&) {
  std::vector<ZipContent> contents;
  for (const TargetTensor& tensor : target.tensors) {
    require_safe_name(tensor.name);
    std::string header = npy_header(tensor.dtype, tensor.shape, tensor.name);
    const std::uint64_t size = header.size();
    contents.push_back(
        {tensor.name + ".npy", concat_files({{memory_file(std::move(header), "(header)"), 0, size},
                                             {tensor.bytes, 0, tensor.bytes->size()}},
                                            tensor.name)});
  }
  std::vector<OutputPlan> plans;
  plans.push_back(plan_zip(std::move(contents), 64));
  return plans;
}

}  // namespace stateutils::ckpt
