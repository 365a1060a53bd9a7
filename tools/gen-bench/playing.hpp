// Options of the commands that let agents play, and what happens to each trial.
#pragma once

#include <string>
#include <vector>

#include "bench/shell/player.hpp"
#include "streams.hpp"

namespace stateutils::tools {

struct PlayingOptions {
  std::string input = "-", surface = "sim", sandbox = "bwrap", runtime = "persistent", shared_base;
  core::Count trials{1};
  std::vector<std::string> limits, show;
  bool net = false, persistent = false;
};

void playing_options(core::Command& cmd, PlayingOptions& o);
[[nodiscard]] bench::PlayOptions play_options(const PlayingOptions& o, const core::Io& io,
                                              const std::string& agent);
// One line on stderr for a trial that ended in a way that needs a look.
void report_trouble(core::Io& io, const bench::PlayedTrial& played);

}  // namespace stateutils::tools
