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
  std::shared_ptr<const TorchFile> megatron{};  // a first rank's model_optim_rng.pt
  std::vector<std::string> containers{};        // paths of the dicts below its `model`
  bool swiglu = false;                          // Megatron: the MLP's first matrix is two halves
};

// What the patterns say of a parameter; `swiglu` as in Training.
[[nodiscard]] UnionRule rule_of(UcpPatterns& patterns, bool swiglu, const std::string& parameter,
                                std::vector<Finding>& findings);

}  // namespace stateutils::ckpt
