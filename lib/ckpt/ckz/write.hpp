// Writing compressed checkpoints.
#pragma once

#include <string>

#include "ckpt/ckz/layout.hpp"
#include "ckpt/formats/write_options.hpp"

namespace stateutils::ckpt {

// One file. Tensors that `base` (if any) holds with the same name, dtype and shape are stored as
// their difference to it where that is smaller. `chunk` is a power of two.
[[nodiscard]] OutputPlan plan_ckz_delta(const Target& target, const WriteOptions& options,
                                        const Catalogue* base, std::uint64_t chunk = ckz::kChunk);

}  // namespace stateutils::ckpt
