#include "ckpt/formats/gguf_types.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "ckpt/model/elements.hpp"
#include "ckpt/plan/computed.hpp"

namespace stateutils::ckpt {
namespace {

// Identifiers and block sizes of ggml's type traits; retired identifiers are absent.
constexpr GgufType kGgufTypes[] = {
    {0, "F32", 1, 4, DType::kF32},          {1, "F16", 1, 2, DType::kF16},
    {2, "Q4_0", 32, 18, std::nullopt},      {3, "Q4_1", 32, 20, std::nullopt},
    {6, "Q5_0", 32, 22, std::nullopt},      {7, "Q5_1", 32, 24, std::nullopt},
    {8, "Q8_0", 32, 34, std::nullopt},      {9, "Q8_1", 32, 36, std::nullopt},
    {10, "Q2_K", 256, 84, std::nullopt},    {11, "Q3_K", 256, 110, std::nullopt},
    {12, "Q4_K", 256, 144, std::nullopt},   {13, "Q5_K", 256, 176, std::nullopt},
    {14, "Q6_K", 256, 210, std::nullopt},   {15, "Q8_K", 256, 292, std::nullopt},
    {16, "IQ2_XXS", 256, 66, std::nullopt}, {17, "IQ2_XS", 256, 74, std::nullopt},
    {18, "IQ3_XXS", 256, 98, std::nullopt}, {19, "IQ1_S", 256, 50, std::nullopt},
    {20, "IQ4_NL", 32, 18, std::nullopt},   {21, "IQ3_S", 256, 110, std::nullopt},
    {22, "IQ2_S", 256, 82, std::nullopt},   {23, "IQ4_XS", 256, 136, std::nullopt},
    {24, "I8", 1, 1, DType::kI8},           {25, "I16", 1, 2, DType::kI16},
    {26, "I32", 1, 4, DType::kI32},         {27, "I64", 1, 8, DType::kI64},
    {28, "F64", 1, 8, DType::kF64},         {29, "IQ1_M", 256, 56, std::nullopt},
    {30, "BF16", 1, 2, DType::kBF16},       {34, "TQ1_0", 256, 54, std::nullopt},
    {35, "TQ2_0", 256, 66, std::nullopt},   {39, "MXFP4", 32, 17, std::nullopt}};

constexpr std::size_t kBlock = 32;  // elements of the blocks decoded here

float half_at(const char* at) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return f16_to_float(bits);
}

unsigned byte_at(const char* at, std::size_t i) {
  return static_cast<unsigned char>(at[i]);
}

// Value i of a block of nibbles: the low halves of 16 bytes, then the high ones.
unsigned nibble(const char* packed, std::size_t i) {
  return i < kBlock / 2 ? byte_at(packed, i) & 15 : byte_at(packed, i - kBlock / 2) >> 4;
}

// The fifth bits of a Q5 block lie in one 32-bit word in front of the nibbles.
unsigned five_bits(const char* packed, std::size_t i) {
  std::uint32_t high = 0;
  std::memcpy(&high, packed, sizeof high);
  return nibble(packed + sizeof high, i) | (high >> i & 1) << 4;
}

// ggml-quants.c: dequantize_row_q*. Formulas: d (q - offset) or d q + m.
void decode_block(std::string_view type, const char* block, float* out) {
  const float d = half_at(block);
  const bool with_minimum = type.ends_with("_1");
  const float m = with_minimum ? half_at(block + 2) : 0;
  const char* const packed = block + (with_minimum ? 4 : 2);
  for (std::size_t i = 0; i < kBlock; ++i) {
    int q = 0;
    if (type == "Q8_0") q = static_cast<signed char>(packed[i]);
    if (type == "Q4_0") q = static_cast<int>(nibble(packed, i)) - 8;
    if (type == "Q4_1") q = static_cast<int>(nibble(packed, i));
    if (type == "Q5_0") q = static_cast<int>(five_bits(packed, i)) - 16;
    if (type == "Q5_1") q = static_cast<int>(five_bits(packed, i));
    const float scaled = static_cast<float>(q) * d;
    out[i] = with_minimum ? scaled + m : scaled;
  }
}

class DequantisedFile final : public ComputedFile {
 public:
  DequantisedFile(const GgufType& type, ByteFilePtr blocks)
      : ComputedFile(DType::kF32, blocks->size() / type.bytes * type.elements, blocks->name()),
        type_(type),
        blocks_(std::move(blocks)) {}
  [[nodiscard]] const char* operation() const override { return "dequantise"; }

 private:
  void compute(std::uint64_t first, std::size_t count, char* out) const override {
    const std::uint64_t from = first / kBlock, to = (first + count + kBlock - 1) / kBlock;
    std::vector<char> raw((to - from) * type_.bytes);
    blocks_->read_at(from * type_.bytes, raw.data(), raw.size());
    std::vector<float> numbers((to - from) * kBlock);
    for (std::size_t b = 0; b < to - from; ++b) {
      decode_block(type_.name, raw.data() + b * type_.bytes, numbers.data() + b * kBlock);
    }
    std::memcpy(out, numbers.data() + (first - from * kBlock), count * sizeof(float));
  }

  const GgufType& type_;
  ByteFilePtr blocks_;
};

}  // namespace

const GgufType* gguf_type(std::uint32_t id) {
  const auto* const found = std::ranges::find(kGgufTypes, id, &GgufType::id);
  return found == std::end(kGgufTypes) ? nullptr : found;
}

const GgufType* gguf_type_of(DType dtype) {
  const auto* const found = std::ranges::find_if(
      kGgufTypes, [dtype](const GgufType& type) { return type.dtype == dtype; });
  return found == std::end(kGgufTypes) ? nullptr : found;
}

ByteFilePtr dequantised_file(const GgufType& type, ByteFilePtr blocks) {
  constexpr std::string_view kKnown[] = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"};
  if (std::ranges::find(kKnown, type.name) == std::end(kKnown)) return nullptr;
  return std::make_shared<DequantisedFile>(type, std::move(blocks));
}

}  // namespace stateutils::ckpt
