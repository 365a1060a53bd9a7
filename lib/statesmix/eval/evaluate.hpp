// What the parts of the model are worth: code lengths of the whole, of parts alone and of the
// whole without a part, by coding the input with the codec's own predictor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "statesmix/codec/block_codec.hpp"

namespace stateutils::statesmix {

enum class EvalModel { kCount, kNgram, kSsm, kFull };

struct EvalOptions {
  int preset = 6;
  EvalModel model = EvalModel::kFull;
  bool embed = true, recurrence = true;
  bool by_component = false;
  std::uint64_t every = 65536;
  Isa isa = Isa::kScalar;
  Ticker tick{};
};
struct EvalResult {
  struct Component {
    std::string name;
    double bpb_alone, bpb_without;
  };
  struct Point {
    std::uint64_t at;
    double bpb;
  };
  std::uint64_t bytes = 0, bytes_out = 0;
  double bpb = 0;
  std::vector<Component> components;
  std::vector<Point> curve;
};

// The model of a preset with parts left out. kUsage when it needs an SSM that the preset lacks.
[[nodiscard]] ModelConfig eval_config(const EvalOptions& options, std::uint64_t raw_size);
// Blocks are cut as compress cuts them; bytes_out is the sum of their coded sizes.
[[nodiscard]] EvalResult evaluate(std::span<const std::uint8_t> raw, const EvalOptions& options);

}  // namespace stateutils::statesmix
