// Executes output plans: readers fill blocks in parallel, one writer puts them down in order,
// checksums are taken on the way. Memory is bounded by a ring of blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ckpt/engine/output_plan.hpp"
#include "core/hash.hpp"
#include "core/output.hpp"
#include "core/output_file.hpp"

namespace stateutils::ckpt {

enum class IoMode { kAuto, kDirect, kBuffered };

class BlockPool;

struct EngineOptions {
  int threads = 1;
  std::uint64_t max_memory = 256u << 20;
  IoMode io = IoMode::kAuto;
  std::function<void(std::uint64_t)> progress{};  // bytes of this file written so far
  // Where place_plan() stops, though not before it has written something.
  std::optional<std::chrono::steady_clock::time_point> deadline{};
  std::shared_ptr<BlockPool> blocks{};  // shared by the files of a run; each has its own without
};

// Identity of a written file: XXH3-128 over the XXH3-64 of its 1 MiB blocks.
struct FileSum {
  std::uint64_t size = 0;
  core::Hash128 hash{};
};

// How far a file got: `sum` means something when it is complete.
struct Placed {
  FileSum sum{};
  std::uint64_t bytes = 0;
  bool complete = true;
};
// Writes the plan into the open regular file. Its first `from` bytes are there already, of the
// same plan: they are read back for the checksums.
Placed place_plan(const OutputPlan& plan, int fd, const std::string& path, std::uint64_t from,
                  const EngineOptions& options);

// Writes the plan into `file` (not committed).
FileSum write_plan(const OutputPlan& plan, core::OutputFile& file, const EngineOptions& options);
// The same bytes in order into a sink that cannot seek.
FileSum stream_plan(const OutputPlan& plan, core::Output& out, const EngineOptions& options);
// The sum of bytes that are already there.
[[nodiscard]] FileSum sum_file(const std::string& path, const EngineOptions& options);

}  // namespace stateutils::ckpt
