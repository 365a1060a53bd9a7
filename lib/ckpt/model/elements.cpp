#include "ckpt/model/elements.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace stateutils::ckpt {
namespace {

template <class T, class Convert>
void each(const char* bytes, std::span<double> out, Convert convert) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value{};
    std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
    out[i] = static_cast<double>(convert(value));
  }
}
template <class T>
void plain(const char* bytes, std::span<double> out) {
  each<T>(bytes, out, [](T value) { return value; });
}

}  // namespace

float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float f16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1f, mantissa = bits & 0x3ff;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000 | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float value = static_cast<float>(mantissa) * 0x1p-24f;
  return sign != 0 ? -value : value;
}

float e5m2_to_float(std::uint8_t bits) {
  return f16_to_float(static_cast<std::uint16_t>(bits << 8));
}

float e4m3_to_float(std::uint8_t bits) {
  const std::uint32_t exponent = bits >> 3 & 0xf, mantissa = bits & 7;
  float value = 0;
  if (exponent == 15 && mantissa == 7) {
    value = std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = static_cast<float>(mantissa) * 0x1p-9f;
  } else {
    value = std::bit_cast<float>((exponent + 120) << 23 | mantissa << 20);
  }
  return (bits & 0x80) != 0 ? -value : value;
}

bool is_real(DType dtype) {
  return dtype == DType::kBool || is_floating(dtype) || is_integer(dtype);
}

void to_doubles(DType dtype, const char* bytes, std::span<double> out) {
  switch (dtype) {
    case DType::kBool:
    case DType::kU8:
      return plain<std::uint8_t>(bytes, out);
    case DType::kI8:
      return plain<std::int8_t>(bytes, out);
    case DType::kI16:
      return plain<std::int16_t>(bytes, out);
    case DType::kU16:
      return plain<std::uint16_t>(bytes, out);
    case DType::kI32:
      return plain<std::int32_t>(bytes, out);
    case DType::kU32:
      return plain<std::uint32_t>(bytes, out);
    case DType::kI64:
      return plain<std::int64_t>(bytes, out);
    case DType::kU64:
      return plain<std::uint64_t>(bytes, out);
    case DType::kF32:
      return plain<float>(bytes, out);
    case DType::kF64:
      return plain<double>(bytes, out);
    case DType::kF16:
      return each<std::uint16_t>(bytes, out, f16_to_float);
    case DType::kBF16:
      return each<std::uint16_t>(bytes, out, bf16_to_float);
    case DType::kF8E4M3:
      return each<std::uint8_t>(bytes, out, e4m3_to_float);
    case DType::kF8E5M2:
      return each<std::uint8_t>(bytes, out, e5m2_to_float);
    default:
      throw std::logic_error("to_doubles of a type that is no real number");
  }
}

}  // namespace stateutils::ckpt
