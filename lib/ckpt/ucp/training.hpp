// What a training checkpoint holds beside its tensors, kept for writing another one.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/formats/torch_file.hpp"
#include "ckpt/ucp/patterns.hpp"

namespace stateutils::ckpt {

struct Training {
  std::shared_ptr<const TorchFile> model;      // the first model_states file
  std::shared_ptr<const TorchFile> optimizer;  // the first optim_states file, or optimizer_state.pt
  bool optimizer_is_bare = false;              // its root is the optimizer's dict itself
  std::vector<std::pair<std::string, std::string>> model_files;  // name, path
  std::shared_ptr<UcpPatterns> patterns;
  bool bf16 = false, zero3 = false;
};

}  // namespace stateutils::ckpt
