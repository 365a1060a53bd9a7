// What a writer hands to the engine: an output file as a row of regions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/model/bytes.hpp"
#include "core/hash.hpp"

namespace stateutils::ckpt {

// `size` bytes of `content` from `offset` on.
struct Region {
  ByteFilePtr content{};
  std::uint64_t offset = 0, size = 0;
  bool want_crc = false;  // the writer needs the CRC-32 of these bytes
  std::optional<std::uint32_t>
      expected_crc{};  // a mismatch is kInput: "... does not match its CRC"
  std::optional<core::Hash128> expected_hash{};  // the same for the XXH3-128
  std::string what{};                            // for that message
};

// A region whose bytes follow from the checksums of others; it fills the room that was kept for it.
struct Patch {
  std::size_t region;
  std::string bytes;
};

struct EngineOptions;
using Append = std::function<void(const char* data, std::uint64_t size)>;

struct OutputPlan {
  std::string name;  // below the destination folder; empty for a single file
  std::vector<Region> regions{};
  // Called with the CRC of every region (0 where none was wanted) when all data is known.
  std::function<std::vector<Patch>(const std::vector<std::uint32_t>&)> finish{};
  bool closing = false;  // an index of the others: written when they are all there
  // A writer that learns its sizes while it works: its only region is the room for a header,
  // `tail` appends everything else, then `finish` fills the room. `there` is what an earlier run
  // has left of the file, or nullptr; false means that the deadline came first.
  std::function<bool(const Append& append, const EngineOptions& options, const ByteFile* there)>
      tail{};
  std::uint64_t tail_estimate = 0;          // bytes, to choose how to write them
  std::vector<ByteFilePtr> tail_sources{};  // what `tail` reads, to describe the plan

  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::vector<std::uint64_t> starts() const;  // of the regions in the file
  void literal(std::string bytes);                          // appends a region of these bytes
};

// One file that holds what the parts would write, one after another.
[[nodiscard]] OutputPlan join_plans(std::vector<OutputPlan> parts);

}  // namespace stateutils::ckpt
