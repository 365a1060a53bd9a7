// Plans whose tail is as long as it turns out to be.
#pragma once

#include "ckpt/engine/execute.hpp"

namespace stateutils::ckpt {

// Writes header room and tail in order, then fills the room; `fd` is a regular file, whose first
// `from` bytes an earlier run of the same plan has left.
Placed write_open_ended(const OutputPlan& plan, int fd, const std::string& path, std::uint64_t from,
                        const EngineOptions& options);
// The same bytes into a sink that cannot seek, by way of an unlinked temporary file.
FileSum stream_open_ended(const OutputPlan& plan, core::Output& out, const EngineOptions& options);

}  // namespace stateutils::ckpt
