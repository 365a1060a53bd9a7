// From a catalogue to planned files of a flat format.
#pragma once

#include <string>
#include <vector>

#include "ckpt/formats/write_options.hpp"
#include "ckpt/model/catalogue.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/ops/scale.hpp"

namespace stateutils::ckpt {

// Format ids that --to takes for flat targets.
[[nodiscard]] std::vector<std::string> writable_formats();
// The format of DST's suffix; empty when it has none that is known. "-" is safetensors.
[[nodiscard]] std::string format_of_suffix(const std::string& dst);

struct Cast {
  DType to = DType::kF32;
  Overflow overflow = Overflow::kSaturate;
  ScaleBy scale = ScaleBy::kNone;
};
// Casts every floating tensor of the target, and dequantises what can be; scales are added as
// NAME.scale.
void cast_target(Target& target, const Cast& cast);

// Plans `target` as files of `format`.
[[nodiscard]] std::vector<OutputPlan> plan_format(const std::string& format, const Target& target,
                                                  const WriteOptions& options);

// The folder name inside a PyTorch zip: DST's file name without its suffix.
[[nodiscard]] std::string file_stem(const std::string& path);

}  // namespace stateutils::ckpt
