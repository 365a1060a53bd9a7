// Rollout and training of reinforcement learning as two machines in a row.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stateutils::kv {

struct RolloutSample {
  std::uint64_t batch = 0;
  double rollout_s = 0, train_s = 0;
};

struct Pipeline {
  double makespan = 0, lower = 0, upper = 0;  // s
  std::uint64_t max_staleness = 0;            // batches between the weights used and the newest
};

// Samples go through rollout, then training, each one at a time and in order. `staleness` is how
// many batches a rollout's weights may lag behind: 0 waits for the batch before to be trained
// ("periodic": samples stream within a batch). `stream` false trains a batch once it is all there
// ("sync", with staleness 0). Bounds: the longer stage alone, and both in turn.
[[nodiscard]] Pipeline run_pipeline(const std::vector<RolloutSample>& samples,
                                    std::uint64_t staleness, bool stream);

// CSV with a header or JSONL of batch, rollout_s, train_s; batches must not fall.
[[nodiscard]] std::vector<RolloutSample> read_samples(const std::string& text,
                                                      const std::string& file);

}  // namespace stateutils::kv
