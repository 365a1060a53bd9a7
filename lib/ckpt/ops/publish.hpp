// Puts planned files in place: whole or not at all, and nothing when the same result is there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ckpt/engine/execute.hpp"
#include "ckpt/model/catalogue.hpp"
#include "core/slice.hpp"

namespace stateutils::ckpt {

struct PublishOptions {
  EngineOptions engine{};
  bool force = false;  // replace what exists
  bool sync = true;
  bool folder = false;         // DST is a folder even for one plan
  std::string options_text{};  // what changes the output's bytes, canonical
  std::vector<std::string> inputs{};
  core::Slice slice{};  // of the destination's files; the engine's deadline stops between them
  // Called when all bytes are there and nothing is in place yet; may throw to leave it so.
  std::function<void()> before_commit{};
};

struct Published {
  std::uint64_t files = 0, bytes = 0;
  bool published = true;  // false: other slices are missing
};

// Whether DST holds the verified result of the same inputs and options.
[[nodiscard]] bool is_already_there(const std::string& dst, const PublishOptions& options);
// Refuses (kEnvironment) a DST that exists, unless forced; an empty folder does not count.
void require_free(const std::string& dst, const PublishOptions& options);
// Writes the plans and their record.
Published publish(const std::vector<OutputPlan>& plans, const std::string& dst,
                  const PublishOptions& options);

// One JSON object per run: {"dst","dst_offset","src","src_offset","length","op"}, through `line`.
void describe_plans(const std::vector<OutputPlan>& plans, const std::string& dst, bool folder,
                    const std::function<void(const std::string& json)>& line);

}  // namespace stateutils::ckpt
