// Trials and scores as they come from their streams.
#pragma once

#include "bench/score/score.hpp"
#include "core/jsonl.hpp"

namespace stateutils::bench {

[[nodiscard]] TrialScore read_trial(const core::Record& record);
[[nodiscard]] std::vector<TrialScore> read_trials(core::JsonlReader& reader);
[[nodiscard]] ScoreLine read_score(const core::Record& record);

}  // namespace stateutils::bench
