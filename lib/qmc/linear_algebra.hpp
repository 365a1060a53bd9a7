// Small dense symmetric matrices, row by row.
#pragma once

#include <cstddef>
#include <vector>

namespace stateutils::qmc {

struct Eigen {
  std::vector<double> values;   // descending
  std::vector<double> vectors;  // column k belongs to value k; its first non-zero entry is positive
};
// Householder tridiagonalisation and implicit QL (Bowdler, Martin, Reinsch and Wilkinson 1968).
[[nodiscard]] Eigen symmetric_eigen(std::vector<double> a, std::size_t d);

// L with L L^T = a, upper part 0; kInput naming the pivot when a is not positive definite.
[[nodiscard]] std::vector<double> cholesky(std::vector<double> a, std::size_t d);

}  // namespace stateutils::qmc
