#include "ckpt/ops/convert.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

struct FormatWriter {
  const char* id;
  std::vector<OutputPlan> (*plan)(const Target&, const WriteOptions&);
};
constexpr FormatWriter kWriters[] = {{"safetensors", plan_safetensors},
                                     {"pt", plan_torch},
                                     {"npz", plan_npz},
                                     {"npy", plan_npy},
                                     {"gguf", plan_gguf},
                                     {"dcp", plan_dcp},
                                     {"ckz", plan_ckz}};

constexpr std::pair<const char*, const char*> kSuffixes[] = {{".safetensors", "safetensors"},
                                                             {".pt", "pt"},
                                                             {".pth", "pt"},
                                                             {".bin", "pt"},
                                                             {".ckpt", "pt"},
                                                             {".npz", "npz"},
                                                             {".npy", "npy"},
                                                             {".gguf", "gguf"},
                                                             {".ckz", "ckz"}};

std::string last_part(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// The cast of a quantised tensor starts from the numbers that its blocks stand for.
void dequantise(Target& target, TargetTensor& tensor) {
  tensor.dtype = tensor.numbers->dtype;
  tensor.shape = tensor.numbers->shape;
  tensor.bytes = tensor_file(*tensor.numbers);
  const std::string key = "gguf." + tensor.name;
  std::erase_if(target.metadata, [&key](const auto& entry) { return entry.first == key; });
}

}  // namespace

std::vector<std::string> writable_formats() {
  std::vector<std::string> ids;
  for (const FormatWriter& writer : kWriters) ids.emplace_back(writer.id);
  return ids;
}

std::string format_of_suffix(const std::string& dst) {
  if (dst == "-") return "safetensors";
  for (const auto& [suffix, format] : kSuffixes) {
    if (dst.ends_with(suffix)) return format;
  }
  return "";
}

void cast_target(Target& target, const Cast& cast) {
  std::unordered_set<std::string> names;
  for (const TargetTensor& tensor : target.tensors) names.insert(tensor.name);
  const std::size_t count = target.tensors.size();
  std::unordered_map<std::size_t, std::size_t> scale_of;  // tensor -> its scales
  for (std::size_t i = 0; i < count; ++i) {
    TargetTensor& tensor = target.tensors[i];
    if (tensor.numbers) dequantise(target, tensor);
    if (!is_floating(tensor.dtype)) continue;
    if (cast.scale == ScaleBy::kNone) {
      tensor.bytes = cast_file(tensor.bytes, tensor.dtype, cast.to, cast.overflow);
      tensor.dtype = cast.to;
      continue;
    }
    Scaled scaled =
        scale_file(tensor.bytes, tensor.dtype, tensor.shape, cast.to, cast.scale, cast.overflow);
    tensor.bytes = std::move(scaled.values);
    tensor.dtype = cast.to;
    TargetTensor scales{.name = tensor.name + ".scale",
                        .dtype = DType::kF32,
                        .shape = std::move(scaled.scales_shape),
                        .bytes = std::move(scaled.scales)};
    if (!names.insert(scales.name).second) {
      throw core::Error(core::Category::kInput,
                        "there is a tensor " + core::quoted(scales.name) + " already");
    }
    if (tensor.alias_of && scale_of.contains(*tensor.alias_of))
      scales.alias_of = scale_of.at(*tensor.alias_of);
    scale_of.emplace(i, target.tensors.size());
    target.tensors.push_back(std::move(scales));
    target.document.reset();
  }
}

std::vector<OutputPlan> plan_format(const std::string& format, const Target& target,
                                    const WriteOptions& options) {
  const auto* const writer =
      std::ranges::find_if(kWriters, [&](const FormatWriter& w) { return format == w.id; });
  if (writer == std::end(kWriters)) throw core::usage_error("cannot write format " + format);
  return writer->plan(target, options);
}

std::string file_stem(const std::string& path) {
  const std::string name = last_part(path);
  const auto dot = name.rfind('.');
  const std::string stem = dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
  return stem.empty() || stem == "-" ? "archive" : stem;
}

}  // namespace stateutils::ckpt
