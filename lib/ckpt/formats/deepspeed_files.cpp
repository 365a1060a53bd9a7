#include "ckpt/formats/deepspeed_files.hpp"

#include <re2/re2.h>

#include <filesystem>

#include "ckpt/model/folder.hpp"
#include "core/error.hpp"
#include "core/input.hpp"

namespace stateutils::ckpt {

namespace fs = std::filesystem;

std::string resolve_deepspeed_tag(const std::string& folder) {
  std::error_code failed;
  const std::string latest = folder + "/latest";
  if (!fs::is_regular_file(latest, failed)) return folder;
  std::string tag = core::read_file(latest, 4096);
  while (!tag.empty() && (tag.back() == '\n' || tag.back() == '\r' || tag.back() == ' '))
    tag.pop_back();
  if (tag.empty() || tag.find('/') != std::string::npos || tag == "..") {
    throw core::input_error({latest}, "names no folder beside it");
  }
  return folder + '/' + tag;
}

DeepspeedFiles list_deepspeed_files(const std::string& folder) {
  static const re2::RE2 model("mp_rank_(\\d+)_model_states\\.pt");
  static const re2::RE2 model3("zero_pp_rank_(\\d+)_mp_rank_(\\d+)_model_states\\.pt");
  static const re2::RE2 optimizer("(?:bf16_)?zero_pp_rank_(\\d+)_mp_rank_(\\d+)_optim_states\\.pt");
  static const re2::RE2 expert("layer_\\d+_expert_(\\d+)_mp_rank_(\\d+)_model_states\\.pt");
  static const re2::RE2 expert_optimizer("expp_rank_(\\d+)_mp_rank_\\d+_optim_states\\.pt");
  static const re2::RE2 layer("layer_(\\d+)-model_(\\d+)-model_states\\.pt");
  DeepspeedFiles layout{.folder = folder, .models = {}, .optimizers = {}};
  for (const auto& entry : list_folder(folder)) {
    const std::string name = entry.path().filename().string();
    FileKey key;
    if (re2::RE2::FullMatch(name, model, &key.mp)) {
      layout.models.emplace(key, name);
    } else if (re2::RE2::FullMatch(name, model3, &key.dp, &key.mp)) {
      layout.models.emplace(key, name);
      layout.zero3 = true;
    } else if (re2::RE2::FullMatch(name, optimizer, &key.dp, &key.mp)) {
      layout.optimizers.emplace(key, name);
    } else if (std::uint64_t rank = 0; re2::RE2::FullMatch(name, expert_optimizer, &rank)) {
      layout.expert_optimizers.emplace(rank, name);
    } else if (LooseFile loose; re2::RE2::FullMatch(name, expert, &rank, &loose.tp)) {
      loose.expert = rank;
      layout.loose.emplace(name, loose);
    } else if (std::uint64_t number = 0; re2::RE2::FullMatch(name, layer, &number, &loose.tp)) {
      loose.prefix = std::to_string(number) + '.';
      layout.loose.emplace(name, loose);
    }
  }
  return layout;
}

}  // namespace stateutils::ckpt
