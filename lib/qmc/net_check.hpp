// Whether points are a (t,m,d)-net: every elementary interval of volume b^(t-m) holds b^t of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace stateutils::qmc {

struct FailingInterval {
  std::vector<std::size_t> dims;     // coordinates it divides, from 0
  std::vector<unsigned> powers;      // into b^power parts
  std::vector<std::uint64_t> parts;  // which of the parts, from 0
  std::uint64_t count = 0, expected = 0;
};

struct NetReport {
  unsigned t = 0;                          // the smallest
  std::optional<FailingInterval> failing;  // the first one that is finer than allowed, or than t
};

// `cells` holds floor(x b^m) of b^m points of d coordinates, row by row. Only projections onto
// `projections` coordinates are looked at (d: all). `t_allowed`: where `failing` is looked for.
[[nodiscard]] NetReport check_net(std::span<const std::uint64_t> cells, std::size_t d,
                                  std::uint32_t base, unsigned m, std::size_t projections,
                                  std::optional<unsigned> t_allowed);

}  // namespace stateutils::qmc
