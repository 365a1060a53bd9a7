// Families whose tasks are one record each: contracts, knapsack, listops, mpi, paradox, par, pdfa,
// probe, routing, and random sites.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/families/pack_family.hpp"
#include "bench/task/task.hpp"
#include "core/rng.hpp"

namespace stateutils::bench {

struct SmallOptions {
  std::string family, difficulty = "medium";
  std::uint64_t seed = 0;
  std::vector<std::pair<std::string, std::string>> params;
};

// Whether make_small() knows the family.
[[nodiscard]] bool is_small_family(std::string_view family);
struct SmallDraw {
  std::string world;  // JSON; empty for tasks that are played without a world
  Draw draw;
};
// Task `index`; `round` redraws one that was rejected. Unknown parameters are kUsage.
[[nodiscard]] SmallDraw make_small(const SmallOptions& options, std::uint64_t index,
                                   std::uint64_t round);

// The world of records that carry none, as JSON; empty for other families.
[[nodiscard]] std::string_view family_world(std::string_view family);
// Fills state, contract and reference from a family's own members; false for other families.
bool read_family_task(const Cursor& json, Store& store, Task& task);

// One per family.
[[nodiscard]] TaskRecord make_knapsack(const SmallOptions& options, std::uint64_t index,
                                       core::Rng& rng);
[[nodiscard]] TaskRecord make_paradox(const SmallOptions& options, std::uint64_t index,
                                      core::Rng& rng);
[[nodiscard]] TaskRecord make_listops(const SmallOptions& options, std::uint64_t index,
                                      core::Rng& rng);
[[nodiscard]] TaskRecord make_pdfa(const SmallOptions& options, std::uint64_t index,
                                   core::Rng& rng);
[[nodiscard]] TaskRecord make_routing(const SmallOptions& options, std::uint64_t index,
                                      core::Rng& rng);
[[nodiscard]] TaskRecord make_probe(const SmallOptions& options, std::uint64_t index,
                                    core::Rng& rng);
[[nodiscard]] TaskRecord make_mpi(const SmallOptions& options, std::uint64_t index, core::Rng& rng);
[[nodiscard]] TaskRecord make_contracts(const SmallOptions& options, std::uint64_t index,
                                        core::Rng& rng);
[[nodiscard]] TaskRecord make_par(const SmallOptions& options, std::uint64_t index, core::Rng& rng);
void read_contracts(const Cursor& json, Store& store, Task& task);
void read_par(const Cursor& json, Store& store, Task& task);
void read_pdfa(const Cursor& json, Store& store, Task& task);
void read_mpi(const Cursor& json, Store& store, Task& task);
void read_knapsack(const Cursor& json, Store& store, Task& task);
void read_paradox(const Cursor& json, Store& store, Task& task);
extern const std::string_view kKnapsackWorld;

// A task of one step, the answer, which `check` alone judges.
void judge_by(std::shared_ptr<const FamilyCheck> check, Store& store, Task& task);

// The members that every record begins with.
[[nodiscard]] TaskRecord small_record(const SmallOptions& options, std::string_view scenario,
                                      std::string_view ability, std::uint64_t index,
                                      std::string_view instruction);
// The same record with every member in canonical form, as ids are taken of it.
[[nodiscard]] TaskRecord canonical_record(const TaskRecord& record);

}  // namespace stateutils::bench
