// File ids to dense 32-bit numbers, and the check of the prefix law.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kv/trace.hpp"
#include "kv/trace_builder.hpp"

namespace stateutils::kv {

// Chains as they are read: 8 bytes a run while ids fit 32 bits, dense numbers by hash afterwards.
class BlockIds {
 public:
  // Appends the chain of one request of `session` (kNone: ids are global).
  void add(std::span<const RawRun> chain, std::uint32_t session);
  // Moves the chains into the trace with ids below trace.id_space; runs are maximal.
  void finish(Trace& trace, std::span<const std::uint32_t> session_of);
  [[nodiscard]] std::uint64_t references() const { return references_; }

 private:
  struct Slot {
    std::uint64_t id = 0;
    std::uint32_t session = 0, dense = kNone;
  };
  std::uint32_t dense_of(std::uint64_t id, std::uint32_t session);
  void append(std::uint32_t first, std::uint32_t count);
  void append_hashed(std::uint64_t first, std::uint64_t count, std::uint32_t session);
  void rehash();
  void start_hashing(std::span<const std::uint32_t> session_of);
  [[nodiscard]] std::uint32_t used_ids(std::uint64_t space) const;
  [[nodiscard]] bool offsets(std::span<const std::uint32_t> session_of,
                             std::vector<std::uint32_t>& base, std::uint64_t& total) const;

  std::vector<Run> runs_;
  std::vector<std::uint32_t> end_, sessions_;
  std::vector<Slot> table_;
  std::uint32_t used_ = 0;
  bool hashing_ = false;
  std::uint64_t references_ = 0;
};

// Two requests that give the same block different parents.
struct LawBreak {
  std::uint32_t request = 0, other = 0;
};
[[nodiscard]] std::optional<LawBreak> find_law_break(const Trace& trace);

}  // namespace stateutils::kv
