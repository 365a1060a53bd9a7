#include "ckpt/ops/cast.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "ckpt/model/elements.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::size_t kNumbers = 2048;

// A binary format: sign, `exponent` bits with `bias`, `mantissa` bits.
struct Layout {
  int exponent, mantissa, bias;
  std::uint64_t largest, special, nan;  // bit patterns without sign: max finite, overflow, NaN
  bool eight_bits;
};

constexpr Layout kF32{8, 23, 127, 0x7f7fffff, 0x7f800000, 0x7fc00000, false};
constexpr Layout kF16{5, 10, 15, 0x7bff, 0x7c00, 0x7e00, false};
constexpr Layout kBF16{8, 7, 127, 0x7f7f, 0x7f80, 0x7fc0, false};
constexpr Layout kE4M3{4, 3, 7, 0x7e, 0x7f, 0x7f, true};
constexpr Layout kE5M2{5, 2, 15, 0x7b, 0x7c, 0x7e, true};

template <Layout kLayout>
std::uint64_t encode(double x, Overflow overflow) {
  constexpr Layout kL = kLayout;
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

template <Layout kLayout, class T>
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

class CastFile final : public ByteFile {
 public:
  CastFile(ByteFilePtr source, DType from, DType to, Overflow overflow)
      : source_(std::move(source)),
        from_(from),
        to_(to),
        overflow_(overflow),
        from_item_(item_bytes(from)),
        to_item_(item_bytes(to)) {}

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    auto* out = static_cast<char*>(data);
    std::vector<char> raw(kNumbers * from_item_), cast(kNumbers * to_item_);
    for (std::uint64_t done = 0; done < size;) {
      const std::uint64_t first = (offset + done) / to_item_;
      const std::uint64_t skip = (offset + done) % to_item_;
      const std::uint64_t last = (offset + size + to_item_ - 1) / to_item_;
      const std::uint64_t count = std::min<std::uint64_t>(kNumbers, last - first);
      source_->read_at(first * from_item_, raw.data(), count * from_item_);
      convert(raw.data(), cast.data(), count);
      const std::uint64_t part = std::min(count * to_item_ - skip, size - done);
      std::memcpy(out + done, cast.data() + skip, part);
      done += part;
    }
  }
  [[nodiscard]] std::uint64_t size() const override {
    return source_->size() / from_item_ * to_item_;
  }
  [[nodiscard]] const std::string& name() const override { return source_->name(); }
  [[nodiscard]] const char* operation() const override { return "cast"; }

 private:
  void convert(const char* raw, char* cast, std::uint64_t count) const {
    if (from_ == DType::kBF16 && to_ == DType::kF32) return widen_bf16(raw, cast, count);
    if (from_ == DType::kF32 && to_ == DType::kBF16) return narrow_to_bf16(raw, cast, count);
    double numbers[kNumbers];
    to_doubles(from_, raw, {numbers, static_cast<std::size_t>(count)});
    from_doubles(to_, {numbers, static_cast<std::size_t>(count)}, cast, overflow_);
  }

  ByteFilePtr source_;
  DType from_, to_;
  Overflow overflow_;
  std::uint64_t from_item_, to_item_;
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

}  // namespace stateutils::ckpt
