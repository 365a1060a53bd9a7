// --emit-randomness: the drawn shifts, matrices and permutations as files.
#pragma once

#include <string>

#include "core/io.hpp"
#include "qmc/point_set.hpp"

namespace stateutils::tools {

// safetensors with `lms`, `shift`, `perms` (leading axis R when `with_replications`), or, for a
// path ending in .txt, LDData text of one replication.
void emit_randomness(const std::string& path, const qmc::PointSet& set, std::uint32_t first,
                     std::uint32_t count, bool with_replications, const core::Io& io);

}  // namespace stateutils::tools
