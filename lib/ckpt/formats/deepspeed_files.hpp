// Which file of a DeepSpeed folder holds what, by its name.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace stateutils::ckpt {

struct FileKey {
  std::uint64_t mp = 0, dp = 0;
  auto operator<=>(const FileKey&) const = default;
};

// Parameters outside the model files: of one expert, or of one layer of a pipeline module.
struct LooseFile {
  std::uint64_t tp = 0;
  std::string prefix{};                   // of the names in the file
  std::optional<std::uint64_t> expert{};  // whose file it is
};

// The files of a tag folder by rank.
struct DeepspeedFiles {
  std::string folder;
  std::map<FileKey, std::string> models, optimizers;  // models of ZeRO <= 2 have dp 0
  std::map<std::string, LooseFile> loose{};
  std::map<std::uint64_t, std::string> expert_optimizers{};  // by expert-parallel rank
  bool zero3 = false;
};

// The tag folder that `latest` in `folder` names, else `folder` itself.
[[nodiscard]] std::string resolve_deepspeed_tag(const std::string& folder);
[[nodiscard]] DeepspeedFiles list_deepspeed_files(const std::string& folder);

}  // namespace stateutils::ckpt
