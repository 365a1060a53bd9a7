#include "kv/rlpipe.hpp"

#include <algorithm>

#include "kv/table_rows.hpp"

namespace stateutils::kv {

Pipeline run_pipeline(const std::vector<RolloutSample>& samples, std::uint64_t staleness,
                      bool stream) {
  Pipeline pipe;
  double rollout = 0, train = 0, rolled = 0, trained = 0;  // when each machine is free; work so far
  std::vector<double> batch_end;                           // of training, by batch in order
  for (std::size_t i = 0; i < samples.size();) {
    const std::size_t first = i, index = batch_end.size();
    if (index > staleness) rollout = std::max(rollout, batch_end[index - staleness - 1]);
    const auto ready = std::ranges::upper_bound(batch_end, rollout) - batch_end.begin();
    pipe.max_staleness = std::max(pipe.max_staleness, index - static_cast<std::uint64_t>(ready));
    double batch_rolled = rollout;
    for (std::size_t k = i; k < samples.size() && samples[k].batch == samples[first].batch; ++k) {
      batch_rolled += samples[k].rollout_s;
    }
    for (; i < samples.size() && samples[i].batch == samples[first].batch; ++i) {
      rollout += samples[i].rollout_s;
      train = std::max(train, stream ? rollout : batch_rolled) + samples[i].train_s;
      rolled += samples[i].rollout_s;
      trained += samples[i].train_s;
    }
    batch_end.push_back(train);
  }
  pipe.makespan = std::max(rollout, train);
  pipe.lower = std::max(rolled, trained);
  pipe.upper = rolled + trained;
  return pipe;
}

std::vector<RolloutSample> read_samples(const std::string& text, const std::string& file) {
  std::vector<RolloutSample> samples;
  read_rows(text, file, {"batch", "rollout_s", "train_s"}, [&](const TableRow& row) {
    const double batch = row.number(0, 0, 1e15);
    samples.push_back(
        {static_cast<std::uint64_t>(batch), row.number(1, 0, 1e9), row.number(2, 0, 1e9)});
    if (samples.size() > 1 && samples.back().batch < samples[samples.size() - 2].batch) {
      throw row.error("the batch is before the one above");
    }
  });
  return samples;
}

}  // namespace stateutils::kv
