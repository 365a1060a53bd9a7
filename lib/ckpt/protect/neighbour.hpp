// Recovery of a lost pipeline stage from its neighbours, without any redundancy: CheckFree
// (weighted mean of both neighbours) and CheckFree+ (a copy, for the first and the last stage).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt::protect {

// Names of each stage: regular expressions anchored at the start.
using StageMap = std::vector<std::vector<std::string>>;
[[nodiscard]] StageMap load_stage_map(const std::string& path);
// {"grad_norms":[g0, null, g2, ...]}: empty where there is none.
[[nodiscard]] std::vector<std::optional<double>> load_grad_norms(const std::string& path);

// kNorm2 weighs a neighbour by its squared gradient norm (the paper's rule), kNorm by the norm plus
// 1e-4 (its published code), kEqual both alike, kCopy takes the stage before.
enum class WeightMode { kNorm2, kNorm, kEqual, kCopy };
struct Weights {
  double before = 1, after = 0;
};
[[nodiscard]] Weights neighbour_weights(WeightMode mode,
                                        const std::vector<std::optional<double>>& g,
                                        std::size_t stage);

// (a x + b y) / (a + b) of two tensors of a floating type, in double with one rounding.
[[nodiscard]] ByteFilePtr weighted_mean(ByteFilePtr x, ByteFilePtr y, Weights weights, DType dtype);

struct Recovery {
  std::uint64_t averaged = 0, copied = 0, reset = 0;  // tensors
};
// Replaces or adds the tensors of `stage` in the catalogue. Layer numbers (the first integer of a
// name) are matched by their rank in each stage; optimizer states become zero.
Recovery recover_between(Catalogue& catalogue, const StageMap& stages, std::size_t stage,
                         Weights weights);
// The same as a copy of stage `from`; names of the lost stage that `from` has no counterpart for
// (embeddings, the head) come from `embeddings`, where given.
Recovery recover_copy(Catalogue& catalogue, const StageMap& stages, std::size_t stage,
                      std::size_t from, const Catalogue* embeddings);

}  // namespace stateutils::ckpt::protect
