#include "ckpt/model/dtype.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace stateutils::ckpt {
namespace {

enum class Family : std::uint8_t { kOther, kInteger, kFloating };

struct Row {
  DType type;
  std::string_view torch, storage;
  Family family;
};

constexpr std::array<Row, 21> kRows{{
    {DType::kBool, "bool", "BoolStorage", Family::kOther},
    {DType::kU8, "uint8", "ByteStorage", Family::kInteger},
    {DType::kI8, "int8", "CharStorage", Family::kInteger},
    {DType::kF8E4M3, "float8_e4m3fn", "", Family::kFloating},
    {DType::kF8E5M2, "float8_e5m2", "", Family::kFloating},
    {DType::kF8E8M0, "float8_e8m0fnu", "", Family::kOther},
    {DType::kI16, "int16", "ShortStorage", Family::kInteger},
    {DType::kU16, "uint16", "", Family::kInteger},
    {DType::kF16, "float16", "HalfStorage", Family::kFloating},
    {DType::kBF16, "bfloat16", "BFloat16Storage", Family::kFloating},
    {DType::kI32, "int32", "IntStorage", Family::kInteger},
    {DType::kU32, "uint32", "", Family::kInteger},
    {DType::kF32, "float32", "FloatStorage", Family::kFloating},
    {DType::kC64, "complex64", "ComplexFloatStorage", Family::kOther},
    {DType::kI64, "int64", "LongStorage", Family::kInteger},
    {DType::kU64, "uint64", "", Family::kInteger},
    {DType::kF64, "float64", "DoubleStorage", Family::kFloating},
    {DType::kC128, "complex128", "ComplexDoubleStorage", Family::kOther},
    {DType::kF4, "", "", Family::kOther},
    {DType::kF6E2M3, "", "", Family::kOther},
    {DType::kF6E3M2, "", "", Family::kOther},
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

}  // namespace stateutils::ckpt
