// The snapshot engine: state is copied into a pool of host memory while the program goes on, and
// written from there. Copies and writes follow the order of the snapshots, so that no file ever
// holds two versions; a file appears under its name only when it is whole (DataStates-LLM).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ckpt/engine/execute.hpp"
#include "ckpt/snapshot/provider.hpp"

namespace stateutils::ckpt::snapshot {

// How much of a snapshot the program waits for: all of it, the copy, or nothing.
enum class Mode { kBlocking, kCopy, kLazy };

struct EngineSettings {
  std::string folder;    // step-%08d.safetensors and `latest`
  std::string mirror{};  // a second folder, each snapshot erasure-coded 4 + 1
  Mode mode = Mode::kLazy;
  std::uint64_t pool = 1u << 30;  // bytes, at least two chunks
  int threads = 1;
  IoMode io = IoMode::kAuto;
  bool sync = true;
  // Called with the pool's memory; what it returns lives as long as the pool.
  std::function<std::shared_ptr<void>(char* data, std::uint64_t size)> pin{};
};

struct SnapshotRecord {
  std::uint64_t step = 0, bytes = 0;
  double blocked_ms = 0, end_to_end_ms = 0;  // blocked: request() and the fences until the next one
};

class SnapshotEngine {
 public:
  explicit SnapshotEngine(EngineSettings settings);
  SnapshotEngine(const SnapshotEngine&) = delete;
  SnapshotEngine& operator=(const SnapshotEngine&) = delete;
  ~SnapshotEngine();  // what is not committed yet is dropped

  // Asks for a snapshot of what `state` holds now; it must not change before fence() returns.
  void request(std::uint64_t step, ProviderPtr state);
  // Waits until no snapshot reads its state any more. Failures of the engine's threads surface
  // here, in request() and in finish().
  void fence();
  // Waits until every snapshot is committed.
  void finish();
  // Snapshots committed since the last call. A record's blocked_ms is complete after the fence
  // that follows its request.
  [[nodiscard]] std::vector<SnapshotRecord> take_committed();
  // Milliseconds of one plain copy of `bytes` bytes from one part of the pool to another.
  [[nodiscard]] double plain_copy_ms(std::uint64_t bytes);
  // The same of copying all of `state` into the pool, a chunk at a time, by the calling thread.
  [[nodiscard]] double plain_copy_ms(const StateProvider& state);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] std::string snapshot_name(std::uint64_t step);

}  // namespace stateutils::ckpt::snapshot
