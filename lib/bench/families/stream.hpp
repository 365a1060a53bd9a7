// The random stream of one task: Philox keyed by SHA-256 of (pack, family, seed, index), so that
// tasks depend on nothing but their own tuple.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/rng.hpp"

namespace stateutils::bench {

[[nodiscard]] core::Rng task_stream(std::string_view pack_sha256, std::string_view family,
                                    std::uint64_t seed, std::uint64_t index,
                                    std::uint64_t round = 0);

}  // namespace stateutils::bench
