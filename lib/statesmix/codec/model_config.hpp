// What each preset's model consists of, as a function of the preset and the block's size only:
// encoder and decoder arrive at the same tables.
#pragma once

#include <cstddef>
#include <cstdint>

#include "statesmix/cm/ngram_model.hpp"
#include "statesmix/ssm/ssm_config.hpp"

namespace stateutils::statesmix {

struct ModelConfig {
  NgramConfig ngram;
  SsmConfig ssm;  // width 0: none
  bool huge_pages = false;

  [[nodiscard]] bool has_ssm() const { return ssm.width != 0; }
  [[nodiscard]] std::size_t memory() const;
};

// `tuning` is the header's parameter set (0 = default).
[[nodiscard]] ModelConfig model_config(int preset, std::uint64_t raw_size,
                                       std::uint32_t tuning = 0);
// Model memory of a block rounded up to a power of two.
[[nodiscard]] int memory_log2(int preset, std::uint64_t raw_size);
// 64 MiB for presets 1 to 6, 256 MiB for 7 to 9.
[[nodiscard]] std::uint64_t default_block_size(int preset);

}  // namespace stateutils::statesmix
