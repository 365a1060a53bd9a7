// The names a pickle may refer to, each with a built-in meaning. Nothing else is ever resolved.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stateutils::ckpt {

enum class Meaning : std::uint8_t {
  kRebuildTensor,
  kRebuildTensorV2,
  kRebuildTensorV3,
  kRebuildParameter,
  kRebuildParameterWithState,
  kRebuildFromType,
  kStorageClass,
  kUntypedStorage,
  kLoadFromBytes,
  kSize,
  kDevice,
  kTorchDType,
  kGetLayout,
  kOrderedDict,
  kDefaultDict,
  kDict,
  kSet,
  kFrozenSet,
  kList,
  kTuple,
  kByteArray,
  kConvert,  // int, float, str, bool called on one plain value
  kEncode,
  kReconstructor,
  kNumpyReconstruct,
  kNumpyScalar,
  kPlainClass,  // may be named or built, its arguments are kept as data
  kRecord,
  kEnum,
  kGetattr,
  kOpaque
};

// Exact match of module and name; "__builtin__" is "builtins". Empty: not on the list.
[[nodiscard]] std::optional<Meaning> global_meaning(std::string_view module, std::string_view name);

}  // namespace stateutils::ckpt
