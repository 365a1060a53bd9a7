#include "ckpt/model/dtype.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/checked.hpp"

namespace stateutils::ckpt {
namespace {

enum class Family : std::uint8_t { kOther, kInteger, kFloating };

struct Row {
  DType type;
  unsigned bits;
  std::string_view name, torch, storage;
  Family family;
};

constexpr std::array<Row, 21> kRows{{
    {DType::kBool, 8, "BOOL", "bool", "BoolStorage", Family::kOther},
    {DType::kU8, 8, "U8", "uint8", "ByteStorage", Family::kInteger},
    {DType::kI8, 8, "I8", "int8", "CharStorage", Family::kInteger},
    {DType::kF8E4M3, 8, "F8_E4M3", "float8_e4m3fn", "", Family::kFloating},
    {DType::kF8E5M2, 8, "F8_E5M2", "float8_e5m2", "", Family::kFloating},
    {DType::kF8E8M0, 8, "F8_E8M0", "float8_e8m0fnu", "", Family::kOther},
    {DType::kI16, 16, "I16", "int16", "ShortStorage", Family::kInteger},
    {DType::kU16, 16, "U16", "uint16", "", Family::kInteger},
    {DType::kF16, 16, "F16", "float16", "HalfStorage", Family::kFloating},
    {DType::kBF16, 16, "BF16", "bfloat16", "BFloat16Storage", Family::kFloating},
    {DType::kI32, 32, "I32", "int32", "IntStorage", Family::kInteger},
    {DType::kU32, 32, "U32", "uint32", "", Family::kInteger},
    {DType::kF32, 32, "F32", "float32", "FloatStorage", Family::kFloating},
    {DType::kC64, 64, "C64", "complex64", "ComplexFloatStorage", Family::kOther},
    {DType::kI64, 64, "I64", "int64", "LongStorage", Family::kInteger},
    {DType::kU64, 64, "U64", "uint64", "", Family::kInteger},
    {DType::kF64, 64, "F64", "float64", "DoubleStorage", Family::kFloating},
    {DType::kC128, 128, "C128", "complex128", "ComplexDoubleStorage", Family::kOther},
    {DType::kF4, 4, "F4", "", "", Family::kOther},
    {DType::kF6E2M3, 6, "F6_E2M3", "", "", Family::kOther},
    {DType::kF6E3M2, 6, "F6_E3M2", "", "", Family::kOther},
}};

const Row& row(DType type) {
  return kRows[static_cast<std::size_t>(type)];
}

std::optional<DType> find(std::string_view Row::*column, std::string_view text) {
  if (text.empty()) return std::nullopt;
  for (const Row& r : kRows) {
    if (r.*column == text) return r.type;
  }
  return std::nullopt;
}

}  // namespace

unsigned dtype_bits(DType type) {
  return row(type).bits;
}
std::uint64_t item_bytes(DType type) {
  return row(type).bits / 8;
}
std::string_view dtype_name(DType type) {
  return row(type).name;
}
std::optional<DType> dtype_from_name(std::string_view name) {
  return find(&Row::name, name);
}
std::optional<DType> dtype_from_option(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return dtype_from_name(upper);
}
bool is_floating(DType type) {
  return row(type).family == Family::kFloating;
}
bool is_integer(DType type) {
  return row(type).family == Family::kInteger;
}
bool in_safetensors(DType type) {
  return type != DType::kC128;
}
std::string_view torch_dtype_name(DType type) {
  return row(type).torch;
}
std::optional<DType> dtype_from_torch(std::string_view name) {
  return find(&Row::torch, name);
}
std::string_view torch_storage_name(DType type) {
  return row(type).storage;
}
std::optional<DType> dtype_from_storage(std::string_view name) {
  return find(&Row::storage, name);
}

std::optional<std::uint64_t> element_count(const Shape& shape) {
  // A zero anywhere makes the tensor empty, however large the other dimensions.
  if (std::ranges::find(shape, 0u) != shape.end()) return 0;
  std::optional<std::uint64_t> count = 1;
  for (const std::uint64_t size : shape) {
    count = core::checked_mul(*count, size);
    if (!count) return std::nullopt;
  }
  return count;
}

std::optional<std::uint64_t> tensor_bytes(DType type, const Shape& shape) {
  const auto count = element_count(shape);
  if (!count) return std::nullopt;
  const auto bits = core::checked_mul(*count, dtype_bits(type));
  if (!bits || *bits % 8 != 0) return std::nullopt;
  return *bits / 8;
}

}  // namespace stateutils::ckpt
