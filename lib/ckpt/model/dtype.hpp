// What checkpoints add to the element types: families, and their names in PyTorch.
#pragma once

#include <optional>
#include <string_view>

#include "core/dtype.hpp"

namespace stateutils::ckpt {

using core::DType;
using core::dtype_bits;
using core::dtype_from_name;
using core::dtype_name;
using core::element_count;
using core::in_safetensors;
using core::item_bytes;
using core::Shape;
using core::tensor_bytes;

// A type by its name in either case, as --dtype takes it.
[[nodiscard]] std::optional<DType> dtype_from_option(std::string_view name);
// Real floating types: what --dtype casts.
[[nodiscard]] bool is_floating(DType type);
[[nodiscard]] bool is_integer(DType type);

// "torch.float32" without "torch."; empty when PyTorch has no such type.
[[nodiscard]] std::string_view torch_dtype_name(DType type);
[[nodiscard]] std::optional<DType> dtype_from_torch(std::string_view name);
// "FloatStorage"; empty for the types that only an UntypedStorage can hold.
[[nodiscard]] std::string_view torch_storage_name(DType type);
[[nodiscard]] std::optional<DType> dtype_from_storage(std::string_view name);

}  // namespace stateutils::ckpt
