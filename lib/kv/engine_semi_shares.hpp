// semi-PD: the shares of the processors that the two phases have, what moves them, and what an
// iteration takes on its share.
#pragma once

#include <cstdint>

#include "kv/cost.hpp"
#include "kv/run_config.hpp"

namespace stateutils::kv::semi {

// What an iteration takes alone and beside one of the other phase.
struct Lengths {
  std::int64_t alone = 0, shared = 0;
  [[nodiscard]] std::int64_t of(bool beside) const { return beside ? shared : alone; }
  // What is left of it at the moment from which it runs beside the other phase, or alone.
  [[nodiscard]] std::int64_t rest(std::int64_t left, bool beside) const;
};

class Shares {
 public:
  explicit Shares(const RunConfig& config)
      : config_(config), x_(config.semi.x), y_(config.semi.y) {}

  void first_token(std::int64_t ttft);
  void last_token(std::int64_t decoding, std::uint32_t tokens);
  // At the end of each window the phase that misses its SLO alone, or by more, gets a step more;
  // whether the shares have changed.
  [[nodiscard]] bool adjust(std::int64_t now);

  [[nodiscard]] Lengths prefill(const CostModel& cost, const BatchShape& shape) const;
  [[nodiscard]] Lengths decode(const CostModel& cost, const BatchShape& shape,
                               std::uint64_t context) const;

 private:
  struct Window {
    std::int64_t end = kNoTime;
    double ttft = 0, tpot = 0;
    std::uint64_t firsts = 0, finished = 0;
  };
  const RunConfig& config_;
  double x_, y_;
  Window seen_;
};

}  // namespace stateutils::kv::semi
