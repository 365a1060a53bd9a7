// A request trace in memory: columns, interned names, and block chains as runs of dense ids.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "kv/names.hpp"

namespace stateutils::kv {

inline constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kSecond = 1'000'000'000;

// Blocks first, first+1, ... first+count-1 of one chain, root side first.
struct Run {
  std::uint32_t first = 0, count = 0;
  friend bool operator==(const Run&, const Run&) = default;
};

// Whether the last, partial block of a prompt has an id (ceil) or not (floor).
enum class Partial { kUnknown, kCeil, kFloor };

// A column is empty when no record has the field. Interned columns hold kNone where it is absent,
// times hold kNoTime. All times are integer nanoseconds.
struct Trace {
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(in.size()); }
  [[nodiscard]] bool has_blocks() const { return !run_end.empty(); }
  [[nodiscard]] std::span<const Run> runs_of(std::uint32_t i) const {
    const std::uint32_t from = i == 0 ? 0 : run_end[i - 1];
    return std::span(runs).subspan(from, run_end[i] - from);
  }
  [[nodiscard]] std::uint32_t blocks_of(std::uint32_t i) const {
    std::uint32_t blocks = 0;
    for (const Run& run : runs_of(i)) blocks += run.count;
    return blocks;
  }
  [[nodiscard]] std::string id_of(std::uint32_t i) const;
  [[nodiscard]] bool is_last(std::uint32_t i) const;
  // The time at which a cache-only model sees request i: its own t, else that of the one before.
  [[nodiscard]] std::int64_t seen_at(std::uint32_t i) const { return seen.empty() ? 0 : seen[i]; }

  std::vector<std::uint32_t> in, out;
  std::vector<std::int64_t> t, seen;
  std::vector<std::int64_t> gap, api;
  std::vector<std::uint32_t> session, agent, turn, tool, model, stop, tenant, steps;
  std::vector<std::uint8_t> last;  // bits kLast, kLastGiven of trace_arrange.hpp
  std::vector<double> prio;
  std::vector<std::int64_t> slo_ttft, slo_tpot;
  std::vector<std::uint32_t> parent_end, parents;  // requests to wait for
  // Into ids; empty: text i of ids or, without texts, the index i.
  std::vector<std::uint32_t> id;
  IdTexts ids;
  Names sessions, words;  // words: agents, tools, models, ...

  std::vector<Run> runs;
  std::vector<std::uint32_t> run_end;
  std::uint32_t id_space = 0;  // dense block ids are below this
  std::uint32_t distinct = 0;  // of which so many are used
  // File id of a dense one = dense + shift of its session (or of 0: global ids), modulo 2^32;
  // empty when ids were numbered at their first use.
  std::vector<std::uint32_t> id_shift;
  std::uint32_t block = 0;  // tokens per block; 0 without blocks
  Partial partial = Partial::kUnknown;
  bool session_scope = false;
  bool chains = true;  // the prefix law holds: a block has one parent
  std::uint64_t references = 0;

  std::uint64_t dropped = 0, skipped_lines = 0;
  std::string format;
};

}  // namespace stateutils::kv
