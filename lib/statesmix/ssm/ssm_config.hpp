// Sizes and rates of the online state-space model.
#pragma once

#include <cstddef>
#include <vector>

#include "statesmix/cm/text_state.hpp"

namespace stateutils::statesmix {

struct SsmConfig {
  int width = 0;  // D: 32, 64 or 96; 0 means no SSM
  int layers = 1;
  std::vector<Context> tables;  // sparse n-gram embeddings
  int table_bits = 17;          // 2^bits rows of each
  float rate = 0.008f;          // Adam's step size at the start
  float row_rate = 0.18f;  // step of an embedding row, beside the root of its gradients' squares
  bool recurrence = true;  // false removes the recurrent block (eval --no-recurrence)

  [[nodiscard]] std::size_t memory() const;
};

}  // namespace stateutils::statesmix
