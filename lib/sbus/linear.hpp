// Linearizability of operations on one object: the search of Wing and Gong with Lowe's memory of
// visited (set of linearized operations, state) pairs (Lowe, "Testing for linearizability", 2017).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace stateutils::sbus {

struct LinearOp {
  std::int64_t start = 0, end = INT64_MAX;
  bool required = true;  // false: it may take effect any time after start, or never
};

enum class Verdict : std::uint8_t { kValid, kInvalid, kUnknown };

// step(state, op) gives the state after the op, or nothing when the op cannot happen there. States
// are small numbers that the model hands out; equal states have equal numbers.
using LinearStep = std::function<std::optional<std::uint32_t>(std::uint32_t, std::uint32_t)>;
// `steps` is what may still be spent; it is counted down.
[[nodiscard]] Verdict check_linear(const std::vector<LinearOp>& ops, std::uint32_t initial,
                                   const LinearStep& step, std::uint64_t& steps);

}  // namespace stateutils::sbus
