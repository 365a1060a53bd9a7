// Several checkpoints as one: the union of disjoint ones, or averages of equal ones.
#pragma once

#include <string>
#include <vector>

#include "ckpt/model/catalogue.hpp"

namespace stateutils::ckpt {

// Tensors of all parts in order; a name in two of them is kInput.
[[nodiscard]] Catalogue merge_union(std::vector<Catalogue> parts);

// Floating tensors become sum(w_i x_i) / sum(w_i) in double, rounded once; all others must agree
// bit by bit (compare with check_replicas). Names, dtypes and shapes must be the same everywhere:
// kInput otherwise. `weights` has one entry per part.
[[nodiscard]] Catalogue merge_average(std::vector<Catalogue> parts,
                                      const std::vector<double>& weights);

}  // namespace stateutils::ckpt
