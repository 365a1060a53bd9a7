#include "ckpt/ops/cast.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

#include "ckpt/model/elements.hpp"
#include "ckpt/plan/computed.hpp"

namespace stateutils::ckpt {
namespace {

// A binary format: sign, `exponent` bits with `bias`, `mantissa` bits.
struct CastLayout {
  int exponent, mantissa, bias;
  std::uint64_t largest, special, nan;  // bit patterns without sign: max finite, overflow, NaN
  bool eight_bits;
};

constexpr CastLayout kF32{8, 23, 127, 0x7f7fffff, 0x7f800000, 0x7fc00000, false};
constexpr CastLayout kF16{5, 10, 15, 0x7bff, 0x7c00, 0x7e00, false};
constexpr CastLayout kBF16{8, 7, 127, 0x7f7f, 0x7f80, 0x7fc0, false};
constexpr CastLayout kE4M3{4, 3, 7, 0x7e, 0x7f, 0x7f, true};
constexpr CastLayout kE5M2{5, 2, 15, 0x7b, 0x7c, 0x7e, true};

template <CastLayout kLayout>
std::uint64_t encode(double x, Overflow overflow) {
  constexpr CastLayout kL = kLayout;
  const std::uint64_t sign = std::signbit(x) ? std::uint64_t{1} << (kL.exponent + kL.mantissa) : 0;
  if (std::isnan(x)) return sign | kL.nan;
  const bool saturate = kL.eight_bits && overflow == Overflow::kSaturate;
  const std::uint64_t past = sign | (saturate ? kL.largest : kL.special);
  if (std::isinf(x)) return past;
  const double a = std::fabs(x);
  if (a == 0) return sign;
  constexpr int kLowest = 1 - kL.bias;  // exponent of the smallest normal number
  const int exponent = std::max(std::ilogb(a), kLowest);
  // a in units of the last place; scaling by a power of two is exact, the rounding is the only one.
  const auto units =
      static_cast<std::uint64_t>(std::nearbyint(std::ldexp(a, kL.mantissa - exponent)));
  constexpr std::uint64_t kOne = std::uint64_t{1} << kL.mantissa;
  // Subnormals are the units themselves; a carry out of the mantissa moves into the exponent.
  const std::uint64_t bits =
      exponent == kLowest && units < kOne
          ? units
          : (static_cast<std::uint64_t>(exponent + kL.bias) << kL.mantissa) + units - kOne;
  return bits > kL.largest ? past : sign | bits;
}

template <CastLayout kLayout, class T>
void encode_all(std::span<const double> numbers, char* bytes, Overflow overflow) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto bits = static_cast<T>(encode<kLayout>(numbers[i], overflow));
    std::memcpy(bytes + i * sizeof(T), &bits, sizeof(T));
  }
}

// The common pairs without the way through doubles.
void widen_bf16(const char* from, char* to, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, from + 2 * i, 2);
    const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
    std::memcpy(to + 4 * i, &bits, 4);
  }
}

void narrow_to_bf16(const char* from, char* to, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, from + 4 * i, 4);
    const bool nan = (bits & 0x7fffffff) > 0x7f800000;
    const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    const auto half = static_cast<std::uint16_t>(nan ? (bits >> 16 & 0x8000) | 0x7fc0 : rounded);
    std::memcpy(to + 2 * i, &half, 2);
  }
}

class CastFile final : public ComputedFile {
 public:
  CastFile(ByteFilePtr source, DType from, DType to, Overflow overflow)
      : ComputedFile(to, source->size() / item_bytes(from), source->name()),
        source_(std::move(source)),
        from_(from),
        to_(to),
        overflow_(overflow) {}
  [[nodiscard]] const char* operation() const override { return "cast"; }

 private:
  void compute(std::uint64_t first, std::size_t count, char* out) const override {
    const std::uint64_t item = item_bytes(from_);
    std::vector<char> raw(count * item);
    source_->read_at(first * item, raw.data(), raw.size());
    if (from_ == DType::kBF16 && to_ == DType::kF32) return widen_bf16(raw.data(), out, count);
    if (from_ == DType::kF32 && to_ == DType::kBF16) return narrow_to_bf16(raw.data(), out, count);
    std::vector<double> numbers(count);
    to_doubles(from_, raw.data(), numbers);
    from_doubles(to_, numbers, out, overflow_);
  }

  ByteFilePtr source_;
  DType from_, to_;
  Overflow overflow_;
};

}  // namespace

void from_doubles(DType dtype, std::span<const double> numbers, char* bytes, Overflow overflow) {
  switch (dtype) {
    case DType::kF64:
      std::memcpy(bytes, numbers.data(), numbers.size_bytes());
      return;
    case DType::kF32:
      return encode_all<kF32, std::uint32_t>(numbers, bytes, overflow);
    case DType::kF16:
      return encode_all<kF16, std::uint16_t>(numbers, bytes, overflow);
    case DType::kBF16:
      return encode_all<kBF16, std::uint16_t>(numbers, bytes, overflow);
    case DType::kF8E4M3:
      return encode_all<kE4M3, std::uint8_t>(numbers, bytes, overflow);
    case DType::kF8E5M2:
      return encode_all<kE5M2, std::uint8_t>(numbers, bytes, overflow);
    default:
      throw std::logic_error("from_doubles to a type that is not floating");
  }
}

ByteFilePtr cast_file(ByteFilePtr source, DType from, DType to, Overflow overflow) {
  if (from == to) return source;
  return std::make_shared<CastFile>(std::move(source), from, to, overflow);
}

double largest_value(DType dtype) {
  constexpr double kLargestE4M3 = 448, kLargestE5M2 = 57344, kLargestF16 = 65504;
  switch (dtype) {
    case DType::kF8E4M3:
      return kLargestE4M3;
    case DType::kF8E5M2:
      return kLargestE5M2;
    case DType::kF16:
      return kLargestF16;
    case DType::kBF16:
      return static_cast<double>(bf16_to_float(0x7f7f));
    case DType::kF32:
      return std::numeric_limits<float>::max();
    default:
      return std::numeric_limits<double>::max();
  }
}

}  // namespace stateutils::ckpt
