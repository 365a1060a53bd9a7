// Element and block types of GGUF files (ggml.h), and the numbers that quantised blocks stand for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ckpt/model/bytes.hpp"
#include "ckpt/model/dtype.hpp"

namespace stateutils::ckpt {

struct GgufType {
  std::uint32_t id;
  std::string_view name;
  std::uint32_t elements, bytes;  // of one block
  std::optional<DType> dtype;     // plain types; empty: quantised blocks
};

[[nodiscard]] const GgufType* gguf_type(std::uint32_t id);
[[nodiscard]] const GgufType* gguf_type_of(DType dtype);
// F32 values of `blocks` (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0); nullptr for every other type.
[[nodiscard]] ByteFilePtr dequantised_file(const GgufType& type, ByteFilePtr blocks);

}  // namespace stateutils::ckpt
