// Estimators and tests with closed forms.
#pragma once

#include <cstdint>
#include <span>

namespace stateutils::bench {

struct Interval {
  double lo = 0, hi = 1;
};

// 1 - C(n-c,k)/C(n,k) and C(c,k)/C(n,k); k <= n.
[[nodiscard]] double pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k);
[[nodiscard]] double pass_hat_k(std::int64_t n, std::int64_t c, std::int64_t k);
// 95 % intervals for c of n (Wilson 1927; Clopper and Pearson 1934). n = 0 gives [0, 1].
[[nodiscard]] Interval wilson(std::int64_t c, std::int64_t n);
[[nodiscard]] Interval clopper_pearson(std::int64_t c, std::int64_t n);
// Exact two-sided McNemar test on the discordant pairs b and c (binomial with p = 1/2).
[[nodiscard]] double mcnemar(std::int64_t b, std::int64_t c);
// P(X >= b), X ~ Binomial(b + c, 1/2): the one-sided form.
[[nodiscard]] double mcnemar_one_sided(std::int64_t b, std::int64_t c);

// A group of trials that were not drawn independently (those of one scenario).
struct Cluster {
  std::int64_t gained = 0;  // successes, or successes won less lost
  std::int64_t trials = 0;
};
// 95 % percentile interval of gained / trials when whole clusters are drawn with replacement
// (cluster bootstrap, 2,000 resamples); `purpose` names the random stream. None: [-1, 1].
[[nodiscard]] Interval cluster_bootstrap(std::span<const Cluster> clusters, std::uint64_t seed,
                                         std::uint64_t purpose);

struct ListLimit {
  double kl = 0, accuracy = 1;
};
// Shuffling m words with a decoder that reveals them in `steps` steps and factorises within one
// (larger shares first).
[[nodiscard]] ListLimit shuffle_limit(std::int64_t m, std::int64_t steps);
// Replacing a random one of n items in a single step.
[[nodiscard]] ListLimit random_replace_limit(std::int64_t n);

}  // namespace stateutils::bench
