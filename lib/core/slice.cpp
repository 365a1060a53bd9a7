#include "core/slice.hpp"

#include <cstdlib>
#include <optional>

#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::core {
namespace {

std::optional<std::uint64_t> environment_number(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::nullopt : parse_u64(text);
}

struct Rank {
  std::uint64_t index = 0, count = 1;
};

std::optional<Rank> rank_of(const char* index_name, const char* count_name) {
  const auto index = environment_number(index_name), count = environment_number(count_name);
  if (!index || !count || *index >= *count) return std::nullopt;
  return Rank{*index, *count};
}

// SLURM_ARRAY_TASK_* times SLURM_PROCID/NTASKS: every process of every array task has a share.
std::optional<Slice> slurm_slice() {
  const auto process = rank_of("SLURM_PROCID", "SLURM_NTASKS");
  const auto id = environment_number("SLURM_ARRAY_TASK_ID");
  const auto tasks = environment_number("SLURM_ARRAY_TASK_COUNT");
  const auto lowest = environment_number("SLURM_ARRAY_TASK_MIN").value_or(0);
  std::optional<Rank> array;
  if (id && tasks && *id >= lowest && *id - lowest < *tasks) array = Rank{*id - lowest, *tasks};
  if (!process && !array) return std::nullopt;
  const Rank a = array.value_or(Rank{}), p = process.value_or(Rank{});
  return Slice{a.index * p.count + p.index, a.count * p.count};
}

Slice automatic_slice(std::string* choice) {
  const auto chosen = [&](Slice slice, const char* source) {
    if (choice != nullptr) *choice = "--slice " + slice.text() + " from " + source;
    return slice;
  };
  if (const auto slice = slurm_slice()) return chosen(*slice, "SLURM_*");
  if (const auto rank = rank_of("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")) {
    return chosen({rank->index, rank->count}, "OMPI_COMM_WORLD_*");
  }
  if (const auto rank = rank_of("PMI_RANK", "PMI_SIZE")) {
    return chosen({rank->index, rank->count}, "PMI_*");
  }
  throw usage_error("--slice auto: no SLURM_*, OMPI_COMM_WORLD_* or PMI_* rank in the environment");
}

}  // namespace

__extension__ using Wide = unsigned __int128;  // total * index passes 64 bits

std::pair<std::uint64_t, std::uint64_t> Slice::range(std::uint64_t total) const {
  const auto edge = [&](std::uint64_t i) {
    return static_cast<std::uint64_t>(static_cast<Wide>(total) * i / count);
  };
  return {edge(index), edge(index + 1)};
}

std::string Slice::text() const {
  return std::to_string(index) + '/' + std::to_string(count);
}

Slice parse_slice(std::string_view text, std::string* choice) {
  if (text == "auto") return automatic_slice(choice);
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto index = parse_u64(text.substr(0, slash)), count = parse_u64(text.substr(slash + 1));
    if (index && count && *index < *count) return {*index, *count};
  }
  throw usage_error("--slice " + std::string(text) + ": wanted I/N with 0 <= I < N, or auto");
}

}  // namespace stateutils::core
