#include "ckpt/pickle/globals.hpp"

#include <algorithm>
#include <array>

#include "ckpt/model/dtype.hpp"

namespace stateutils::ckpt {
namespace {

struct KnownGlobal {
  std::string_view module, name;
  Meaning meaning;
};

using enum Meaning;

constexpr KnownGlobal kEntries[] = {
    {"torch._utils", "_rebuild_tensor", kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensorV2},
    {"torch._utils", "_rebuild_tensor_v3", kRebuildTensorV3},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state", kRebuildParameterWithState},
    {"torch._tensor", "_rebuild_from_type_v2", kRebuildFromType},
    {"torch.storage", "TypedStorage", kUntypedStorage},
    {"torch.storage", "UntypedStorage", kUntypedStorage},
    {"torch", "UntypedStorage", kUntypedStorage},
    {"torch.storage", "_load_from_bytes", kLoadFromBytes},
    {"torch", "Size", kSize},
    {"torch", "device", kDevice},
    {"torch", "Tensor", kPlainClass},
    {"torch.nn.parameter", "Parameter", kPlainClass},
    {"torch.serialization", "_get_layout", kGetLayout},
    {"collections", "OrderedDict", kOrderedDict},
    {"collections", "defaultdict", kDefaultDict},
    {"collections", "Counter", kDict},
    {"builtins", "set", kSet},
    {"builtins", "frozenset", kFrozenSet},
    {"builtins", "bytearray", kByteArray},
    {"builtins", "complex", kPlainClass},
    {"builtins", "slice", kPlainClass},
    {"builtins", "range", kPlainClass},
    {"builtins", "object", kPlainClass},
    {"builtins", "list", kList},
    {"builtins", "dict", kDict},
    {"builtins", "tuple", kTuple},
    {"builtins", "int", kConvert},
    {"builtins", "float", kConvert},
    {"builtins", "str", kConvert},
    {"builtins", "bool", kConvert},
    {"builtins", "getattr", kGetattr},
    {"_codecs", "encode", kEncode},
    {"copyreg", "_reconstructor", kReconstructor},
    {"copy_reg", "_reconstructor", kReconstructor},
    {"numpy.core.multiarray", "_reconstruct", kNumpyReconstruct},
    {"numpy._core.multiarray", "_reconstruct", kNumpyReconstruct},
    {"numpy.multiarray", "_reconstruct", kNumpyReconstruct},
    {"numpy.core.multiarray", "scalar", kNumpyScalar},
    {"numpy._core.multiarray", "scalar", kNumpyScalar},
    {"numpy.multiarray", "scalar", kNumpyScalar},
    {"numpy", "dtype", kPlainClass},
    {"numpy", "ndarray", kPlainClass},
    {"argparse", "Namespace", kRecord},
    {"types", "SimpleNamespace", kRecord},
    {"pathlib", "Path", kRecord},
    {"pathlib", "PosixPath", kRecord},
    {"pathlib", "WindowsPath", kRecord},
    {"pathlib", "PurePath", kRecord},
    {"pathlib", "PurePosixPath", kRecord},
    {"pathlib", "PureWindowsPath", kRecord},
    {"pathlib._local", "PosixPath", kRecord},
    {"pathlib._local", "WindowsPath", kRecord},
    {"deepspeed.utils.tensor_fragment", "fragment_address", kRecord},
    {"deepspeed.runtime.fp16.loss_scaler", "LossScaler", kRecord},
    {"deepspeed.runtime.fp16.loss_scaler", "DynamicLossScaler", kRecord},
    {"deepspeed.runtime.zero.config", "ZeroStageEnum", kEnum},
    {"deepspeed.checkpoint.universal_checkpoint", "SubparamShape", kRecord},
    {"torch.distributed.checkpoint.metadata", "Metadata", kRecord},
    {"torch.distributed.checkpoint.metadata", "TensorStorageMetadata", kRecord},
    {"torch.distributed.checkpoint.metadata", "BytesStorageMetadata", kRecord},
    {"torch.distributed.checkpoint.metadata", "ChunkStorageMetadata", kRecord},
    {"torch.distributed.checkpoint.metadata", "MetadataIndex", kRecord},
    {"torch.distributed.checkpoint.metadata", "TensorProperties", kRecord},
    {"torch.distributed.checkpoint.metadata", "StorageMeta", kRecord},
    {"torch.distributed.checkpoint.metadata", "_MEM_FORMAT_ENCODING", kEnum},
    {"torch.distributed.checkpoint.filesystem", "_StorageInfo", kRecord},
    {"torch.distributed.checkpoint.filesystem", "_StoragePrefix", kRecord},
    {"torch.distributed._shard.sharded_tensor.metadata", "TensorProperties", kRecord},
    {"torch.distributed._shard.sharded_tensor.metadata", "MEM_FORMAT_ENCODING", kEnum},
    {"megatron.core.enums", "ModelType", kEnum},
    {"megatron.core.transformer.enums", "AttnBackend", kEnum},
    {"megatron.core.transformer.enums", "AttnMaskType", kEnum},
    {"megatron.core.transformer.enums", "AttnType", kEnum},
    {"megatron.core.transformer.enums", "LayerType", kEnum},
    {"megatron.core.rerun_state_machine", "RerunDiagnostic", kEnum},
    {"megatron.core.rerun_state_machine", "RerunMode", kEnum},
    {"megatron.core.rerun_state_machine", "RerunState", kEnum},
    {"megatron.model.enums", "AttnMaskType", kEnum},
    {"megatron.model.enums", "AttnType", kEnum},
    {"megatron.model.enums", "LayerType", kEnum},
    {"megatron.model.enums", "ModelType", kEnum},
    {"megatron.model.enums", "PositionEmbeddingType", kEnum},
};

}  // namespace

std::optional<Meaning> global_meaning(std::string_view module, std::string_view name) {
  if (module == "__builtin__") module = "builtins";
  if (module == "torch") {
    if (dtype_from_storage(name)) return kStorageClass;
    if (dtype_from_torch(name)) return kTorchDType;
  }
  const auto* const found = std::ranges::find_if(kEntries, [&](const KnownGlobal& entry) {
    return entry.module == module && entry.name == name;
  });
  if (found == std::end(kEntries)) return std::nullopt;
  return found->meaning;
}

}  // namespace stateutils::ckpt
