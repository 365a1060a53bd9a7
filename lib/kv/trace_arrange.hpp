// Order, time and linkage of a trace's requests once all are read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kv/trace.hpp"

namespace stateutils::kv {

// Bits of Trace::last.
inline constexpr std::uint8_t kLast = 1, kLastGiven = 2;

// A request on a cycle of parents.
[[nodiscard]] std::optional<std::uint32_t> find_cycle(const Trace& trace);
// Adds each session's start to its times; a session without any time begins at its start.
void place_sessions(Trace& trace, std::span<const std::int64_t> starts);
// Per request its t, else the time seen last in its session, else that of the record before;
// empty when no record has a time.
[[nodiscard]] std::vector<std::int64_t> seen_times(const Trace& trace);
// Puts request order[i] at place i.
void permute(Trace& trace, std::span<const std::uint32_t> order);
// --prefix session: full blocks of the first min(in of this turn, in of the one before) tokens
// are shared, the rest is new.
void chain_sessions(Trace& trace, std::uint32_t block);
// Without "last" a job ends with its session's last record.
void mark_last_records(Trace& trace);

}  // namespace stateutils::kv
