#include "qmc/inference.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/threads.hpp"
#include "core/units.hpp"
#include "qmc/normal.hpp"
#include "qmc/randomness.hpp"

namespace stateutils::qmc {
namespace {

using core::usage_error;

// Traces x_0..x_t with weights; `log_evidence` is the estimate of ln p(y_0..y_t).
struct Population {
  std::vector<std::vector<double>> traces;
  std::vector<double> weights;  // normalised
  double log_evidence = 0;
};

void extend(const ChainModel& model, std::size_t t, Population& p, InferenceRng& rng) {
  std::vector<double> logs(p.traces.size());
  for (std::size_t i = 0; i < logs.size(); ++i) {
    auto& trace = p.traces[i];
    trace.push_back(model.draw(t, t == 0 ? 0 : trace.back(), rng));
    logs[i] = std::log(p.weights[i]) + model.log_emission(t, trace.back());
  }
  const double largest = *std::max_element(logs.begin(), logs.end());
  if (largest == -std::numeric_limits<double>::infinity()) {
    p.log_evidence = largest;  // every particle died: the estimate is 0
    return;
  }
  double total = 0;
  for (std::size_t i = 0; i < logs.size(); ++i) total += p.weights[i] = std::exp(logs[i] - largest);
  for (double& w : p.weights) w /= total;
  p.log_evidence += largest + std::log(total);
}

void resample_population(Resampling kind, Population& p, InferenceRng& rng) {
  const auto counts = resample(kind, p.weights, rng);
  std::vector<std::vector<double>> next;
  next.reserve(p.traces.size());
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (std::uint32_t k = 0; k < counts[i]; ++k) next.push_back(p.traces[i]);
  }
  p.traces = std::move(next);
  std::fill(p.weights.begin(), p.weights.end(), 1 / static_cast<double>(p.weights.size()));
}

// Metropolis and Hastings on one site of the trace, proposed from the prior given its past: leaves
// p(x_0..x_t | y_0..y_t) as it is.
void metropolis(const ChainModel& model, std::size_t t, std::vector<double>& trace,
                InferenceRng& rng) {
  const std::size_t s = rng.below(t + 1);
  const double proposed = model.draw(s, s == 0 ? 0 : trace[s - 1], rng);
  double log_ratio = model.log_emission(s, proposed) - model.log_emission(s, trace[s]);
  if (s < t) {
    log_ratio +=
        model.log_transition(proposed, trace[s + 1]) - model.log_transition(trace[s], trace[s + 1]);
  }
  if (std::log(rng.unit()) < log_ratio) trace[s] = proposed;
}

Population run_once(const ChainModel& model, const std::vector<InferenceBlock>& blocks,
                    std::uint32_t particles, InferenceRng& rng) {
  Population p;
  p.traces.resize(particles);
  p.weights.assign(particles, 1.0 / particles);
  for (std::size_t t = 0; t < model.length(); ++t) {
    for (const InferenceBlock& block : blocks) {
      if (block.kind == InferenceBlock::Kind::kExtend) {
        extend(model, t, p, rng);
        if (std::isinf(p.log_evidence)) return p;
      } else if (block.kind == InferenceBlock::Kind::kResample) {
        resample_population(block.resampling, p, rng);
      } else {
        for (auto& trace : p.traces) {
          for (int k = 0; k < block.moves; ++k) metropolis(model, t, trace, rng);
        }
      }
    }
  }
  return p;
}

// Mean and standard error.
Estimate mean_of(const std::vector<double>& values, double exact) {
  const auto n = static_cast<double>(values.size());
  Estimate estimate{core::pairwise_sum(values) / n, 0, exact};
  double square = 0;
  for (const double value : values) square += (value - estimate.mean) * (value - estimate.mean);
  estimate.error = n > 1 ? std::sqrt(square / (n - 1) / n) : 0;
  return estimate;
}

bool within(const Estimate& e, double errors) {
  // Rounding alone separates estimates that do not vary.
  return std::abs(e.mean - e.exact) <= errors * e.error + 1e-9 * std::abs(e.exact);
}

// How many of the sorted points of (0,1) fall to each weight when these lie side by side.
std::vector<std::uint32_t> by_points(const std::vector<double>& weights,
                                     const std::vector<double>& sorted) {
  std::vector<std::uint32_t> counts(weights.size());
  double sum = 0;
  std::size_t k = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    const bool last = i + 1 == weights.size();
    for (; k < sorted.size() && (last || sorted[k] < sum); ++k) ++counts[i];
  }
  return counts;
}

}  // namespace

struct InferenceRng::State {
  core::Rng rng;
};
InferenceRng::InferenceRng(std::uint64_t seed, std::uint64_t stream)
    : state_(std::make_unique<State>(State{core::Rng(seed, stream)})) {}
InferenceRng::~InferenceRng() = default;
double InferenceRng::unit() {
  return open_unit(state_->rng.u64());
}
double InferenceRng::normal() {
  return normal_quantile(unit());
}
std::uint64_t InferenceRng::below(std::uint64_t n) {
  return state_->rng.below(n);
}
std::size_t InferenceRng::pick(const std::vector<double>& weights) {
  double u = unit();
  std::size_t k = 0;
  while (k + 1 < weights.size() && u >= weights[k]) u -= weights[k++];
  // Rounding may leave a little: never an impossible index.
  while (k > 0 && weights[k] == 0) --k;
  return k;
}

namespace {

std::vector<double> sorted_units(std::size_t count, InferenceRng& rng) {
  std::vector<double> points(count);
  for (double& u : points) u = rng.unit();
  std::sort(points.begin(), points.end());
  return points;
}

// The whole part of n w_i for certain, the rest by multinomial draws from the remainders.
std::vector<std::uint32_t> resample_residual(const std::vector<double>& weights,
                                             InferenceRng& rng) {
  const std::size_t n = weights.size();
  std::vector<std::uint32_t> counts(n);
  std::vector<double> rest(n);
  std::size_t left = n;
  for (std::size_t i = 0; i < n; ++i) {
    const double wanted = static_cast<double>(n) * weights[i];
    counts[i] = static_cast<std::uint32_t>(wanted);
    rest[i] = wanted - counts[i];
    left -= std::min<std::size_t>(left, counts[i]);
  }
  const double total = std::accumulate(rest.begin(), rest.end(), 0.0);
  if (left == 0 || !(total > 0)) return counts;
  for (double& value : rest) value /= total;
  const auto more = by_points(rest, sorted_units(left, rng));
  for (std::size_t i = 0; i < n; ++i) counts[i] += more[i];
  return counts;
}

}  // namespace

// Douc, Cappe and Moulines (2005).
std::vector<std::uint32_t> resample(Resampling kind, const std::vector<double>& weights,
                                    InferenceRng& rng) {
  const std::size_t n = weights.size();
  const auto size = static_cast<double>(n);
  std::vector<double> points(n);
  switch (kind) {
    case Resampling::kMultinomial:
      points = sorted_units(n, rng);
      break;
    case Resampling::kStratified:
      for (std::size_t i = 0; i < n; ++i) points[i] = (static_cast<double>(i) + rng.unit()) / size;
      break;
    case Resampling::kSystematic: {
      const double u = rng.unit();
      for (std::size_t i = 0; i < n; ++i) points[i] = (static_cast<double>(i) + u) / size;
      break;
    }
    case Resampling::kResidual:
      return resample_residual(weights, rng);
  }
  return by_points(weights, points);
}

namespace {

std::optional<Resampling> parse_resampling(std::string_view name) {
  static constexpr std::pair<const char*, Resampling> kResamplings[] = {
      {"multinomial", Resampling::kMultinomial},
      {"stratified", Resampling::kStratified},
      {"systematic", Resampling::kSystematic},
      {"residual", Resampling::kResidual}};
  for (const auto& [known, kind] : kResamplings) {
    if (name == known) return kind;
  }
  return std::nullopt;
}

InferenceBlock parse_block(std::string_view text) {
  constexpr std::uint64_t kMostMoves = 1000000;
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view argument =
      colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  using Kind = InferenceBlock::Kind;
  if (name == "extend" && argument.empty()) return {Kind::kExtend};
  if (name == "resample") {
    if (const auto kind = parse_resampling(argument)) return {Kind::kResample, *kind};
  } else if (name == "mh") {
    const auto moves = core::parse_u64(argument);
    if (moves && *moves >= 1 && *moves <= kMostMoves) {
      return {Kind::kMetropolis, {}, static_cast<int>(*moves)};
    }
  }
  throw usage_error("--blocks: " + core::quoted(text) +
                    " is not extend, resample:multinomial|stratified|systematic|residual or "
                    "mh:MOVES");
}

}  // namespace

std::vector<InferenceBlock> parse_blocks(std::string_view text) {
  std::vector<InferenceBlock> blocks;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    blocks.push_back(parse_block(part));
  }
  const auto extends = std::count_if(blocks.begin(), blocks.end(), [](const auto& b) {
    return b.kind == InferenceBlock::Kind::kExtend;
  });
  if (extends != 1 || blocks[0].kind != InferenceBlock::Kind::kExtend) {
    throw usage_error("--blocks starts with its only extend");
  }
  return blocks;
}

bool InferenceResult::agrees(double errors) const {
  return within(evidence, errors) &&
         std::all_of(means.begin(), means.end(), [&](const auto& m) { return within(m, errors); });
}

InferenceResult run_inference(const ChainModel& model, const std::vector<InferenceBlock>& blocks,
                              std::uint32_t particles, std::uint32_t runs, std::uint64_t seed,
                              int threads) {
  const ChainModel::Exact exact = model.exact();
  const std::size_t steps = model.length();
  // Evidence of a run over the exact one, and that times the run's posterior means: both unbiased.
  std::vector<double> ratio(runs);
  std::vector<std::vector<double>> moment(steps, std::vector<double>(runs));
  core::parallel_for(runs, threads, [&](std::uint64_t r) {
    InferenceRng rng(seed, r);
    const Population p = run_once(model, blocks, particles, rng);
    ratio[r] = std::exp(p.log_evidence - exact.log_evidence);
    if (ratio[r] == 0) return;
    for (std::size_t t = 0; t < steps; ++t) {
      double mean = 0;
      for (std::size_t i = 0; i < p.traces.size(); ++i) mean += p.weights[i] * p.traces[i][t];
      moment[t][r] = ratio[r] * mean;
    }
  });
  InferenceResult result;
  result.log_evidence = exact.log_evidence;
  result.evidence = mean_of(ratio, 1);
  const double scale = std::exp(exact.log_evidence), mean_ratio = result.evidence.mean;
  for (double* value : {&result.evidence.mean, &result.evidence.error, &result.evidence.exact}) {
    *value *= scale;
  }
  for (std::size_t t = 0; t < steps; ++t) {
    // The ratio of two means, its error to first order.
    const double mean = core::pairwise_sum(moment[t]) / runs / mean_ratio;
    std::vector<double> residual(runs);
    for (std::size_t r = 0; r < runs; ++r)
      residual[r] = (moment[t][r] - mean * ratio[r]) / mean_ratio;
    result.means.push_back({mean, mean_of(residual, 0).error, exact.means[t]});
  }
  return result;
}

}  // namespace stateutils::qmc
