#include "ckpt/ops/convert.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

struct Writer {
  const char* id;
  std::vector<OutputPlan> (*plan)(const Target&, const WriteOptions&);
};
constexpr Writer kWriters[] = {{"safetensors", plan_safetensors},
                               {"pt", plan_torch},
                               {"npz", plan_npz},
                               {"npy", plan_npy},
                               {"ckz", plan_ckz}};

constexpr std::pair<const char*, const char*> kSuffixes[] = {{".safetensors", "safetensors"},
                                                             {".pt", "pt"},
                                                             {".pth", "pt"},
                                                             {".bin", "pt"},
                                                             {".ckpt", "pt"},
                                                             {".npz", "npz"},
                                                             {".npy", "npy"},
                                                             {".ckz", "ckz"}};

std::string last_part(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

std::vector<std::string> writable_formats() {
  std::vector<std::string> ids;
  for (const Writer& writer : kWriters) ids.emplace_back(writer.id);
  return ids;
}

std::string format_of_suffix(const std::string& dst) {
  if (dst == "-") return "safetensors";
  for (const auto& [suffix, format] : kSuffixes) {
    if (dst.ends_with(suffix)) return format;
  }
  return "";
}

void cast_target(Target& target, DType to, Overflow overflow) {
  for (TargetTensor& tensor : target.tensors) {
    if (!is_floating(tensor.dtype)) continue;
    tensor.bytes = cast_file(tensor.bytes, tensor.dtype, to, overflow);
    tensor.dtype = to;
  }
}

std::vector<OutputPlan> plan_format(const std::string& format, const Target& target,
                                    const WriteOptions& options) {
  const auto* const writer =
      std::ranges::find_if(kWriters, [&](const Writer& w) { return format == w.id; });
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
