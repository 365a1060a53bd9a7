#include "core/dtype.hpp"

#include <algorithm>
#include <array>

#include "core/checked.hpp"

namespace stateutils::core {
namespace {

struct DTypeRow {
  std::string_view name;
  unsigned bits;
};
// In the order of the enumeration.
constexpr std::array<DTypeRow, 21> kDTypes{{
    {"BOOL", 8}, {"U8", 8},      {"I8", 8},      {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8},
    {"I16", 16}, {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},    {"U32", 32},
    {"F32", 32}, {"C64", 64},    {"I64", 64},    {"U64", 64},    {"F64", 64},    {"C128", 128},
    {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6},
}};

const DTypeRow& row_of(DType type) {
  return kDTypes[static_cast<std::size_t>(type)];
}

}  // namespace

unsigned dtype_bits(DType type) {
  return row_of(type).bits;
}
std::uint64_t item_bytes(DType type) {
  return row_of(type).bits / 8;
}
std::string_view dtype_name(DType type) {
  return row_of(type).name;
}
std::optional<DType> dtype_from_name(std::string_view name) {
  const auto found = std::ranges::find(kDTypes, name, &DTypeRow::name);
  if (found == kDTypes.end()) return std::nullopt;
  return static_cast<DType>(found - kDTypes.begin());
}
bool in_safetensors(DType type) {
  return type != DType::kC128;
}

std::optional<std::uint64_t> element_count(const Shape& shape) {
  // A zero anywhere makes the tensor empty, however large the other dimensions.
  if (std::ranges::find(shape, 0u) != shape.end()) return 0;
  std::optional<std::uint64_t> count = 1;
  for (const std::uint64_t size : shape) {
    count = checked_mul(*count, size);
    if (!count) return std::nullopt;
  }
  return count;
}

std::optional<std::uint64_t> tensor_bytes(DType type, const Shape& shape) {
  const auto count = element_count(shape);
  if (!count) return std::nullopt;
  const auto bits = checked_mul(*count, dtype_bits(type));
  if (!bits || *bits % 8 != 0) return std::nullopt;
  return *bits / 8;
}

}  // namespace stateutils::core
