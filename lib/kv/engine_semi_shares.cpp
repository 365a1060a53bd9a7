#include "kv/engine_semi_shares.hpp"

#include <algorithm>
#include <cmath>

namespace stateutils::kv::semi {
namespace {

std::int64_t at_least_one_ns(double fixed) {
  return std::max<std::int64_t>(1, std::llround(fixed / (1 << kFixedBits)));
}

// By which part the mean of n times exceeds its limit.
double excess(double sum, std::uint64_t n, std::int64_t slo) {
  if (n == 0 || slo == kNoTime) return -1;
  const auto limit = static_cast<double>(std::max<std::int64_t>(1, slo));
  return sum / static_cast<double>(n) / limit - 1;
}

}  // namespace

std::int64_t Lengths::rest(std::int64_t left, bool beside) const {
  const double ratio = static_cast<double>(of(beside)) / static_cast<double>(of(!beside));
  return std::llround(static_cast<double>(left) * ratio);
}

void Shares::first_token(std::int64_t ttft) {
  seen_.ttft += static_cast<double>(ttft);
  ++seen_.firsts;
}

void Shares::last_token(std::int64_t decoding, std::uint32_t tokens) {
  if (tokens < 2) return;
  seen_.tpot += static_cast<double>(decoding) / (tokens - 1);
  ++seen_.finished;
}

bool Shares::adjust(std::int64_t now) {
  const SemiPdConfig& semi = config_.semi;
  if (seen_.end == kNoTime) seen_.end = now + semi.window;
  if (now < seen_.end) return false;
  const double ttft = excess(seen_.ttft, seen_.firsts, config_.slo_ttft);
  const double tpot = excess(seen_.tpot, seen_.finished, config_.slo_tpot);
  seen_ = {};
  seen_.end = now + semi.window;
  if (ttft <= 0 && tpot <= 0) return false;
  double &more = ttft > tpot ? x_ : y_, &less = ttft > tpot ? y_ : x_;
  const double before[] = {x_, y_};
  if (more + semi.step <= 1) {
    more += semi.step;
  } else if (less - semi.step >= semi.step) {
    less -= semi.step;  // the larger share is whole already
  }
  return before[0] != x_ || before[1] != y_;
}

// Prefill takes its time over its share. Side by side with x + y > 1 each phase has its part of
// the sum.
Lengths Shares::prefill(const CostModel& cost, const BatchShape& shape) const {
  const auto whole = static_cast<double>(cost.cost(shape, 0));
  return {at_least_one_ns(whole / x_), at_least_one_ns(whole * std::max(1.0, x_ + y_) / x_)};
}

// Decode takes the longer of its reading and its arithmetic over its share, and more below y_sat.
Lengths Shares::decode(const CostModel& cost, const BatchShape& shape,
                       std::uint64_t context) const {
  const CostModel::Parts parts = cost.parts(shape, context);
  const auto at = [&](double y) {
    const double busy = std::max(parts.memory, parts.compute / y);
    const double slow = y < config_.semi.y_sat ? config_.semi.y_sat / y : 1;
    return at_least_one_ns(parts.overhead + busy * slow);
  };
  return {at(y_), at(y_ / std::max(1.0, x_ + y_))};
}

}  // namespace stateutils::kv::semi
