// Sequential Monte Carlo from blocks, over models whose evidence and posterior are known exactly:
// hidden Markov chains and linear Gaussian chains.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::qmc {

// Random numbers of one particle's step.
class InferenceRng;

// A chain x_0, x_1, .. of which y_t sees x_t. States are numbers: of a finite chain, their index.
class ChainModel {
 public:
  ChainModel() = default;
  ChainModel(const ChainModel&) = delete;
  ChainModel& operator=(const ChainModel&) = delete;
  virtual ~ChainModel() = default;

  [[nodiscard]] virtual std::size_t length() const = 0;
  // A draw of x_t given x_(t-1) (ignored for t = 0).
  [[nodiscard]] virtual double draw(std::size_t t, double previous, InferenceRng& rng) const = 0;
  // ln p(x_t | x_(t-1)) for t > 0, and ln p(y_t | x_t).
  [[nodiscard]] virtual double log_transition(double previous, double x) const = 0;
  [[nodiscard]] virtual double log_emission(std::size_t t, double x) const = 0;
  // ln p(y_0..y_T) and E[x_t | y_0..y_T], by forward and backward recursions.
  struct Exact {
    double log_evidence = 0;
    std::vector<double> means;
  };
  [[nodiscard]] virtual Exact exact() const = 0;
};
// {"init":[..],"trans":[[..]],"emit":[[..]],"obs":[..]} or {"gauss":{"a","q","r","x0_var"},
// "obs":[..]}; kInput naming the file for what is not a model.
[[nodiscard]] std::unique_ptr<ChainModel> parse_chain(const std::string& json,
                                                      const std::string& name);

enum class Resampling { kMultinomial, kStratified, kSystematic, kResidual };
// Offspring counts for normalised weights: the mean count of particle i is n w_i.
[[nodiscard]] std::vector<std::uint32_t> resample(Resampling kind,
                                                  const std::vector<double>& weights,
                                                  InferenceRng& rng);

// One stage that is applied at every observation, in the order given.
struct InferenceBlock {
  enum class Kind { kExtend, kResample, kMetropolis } kind;
  Resampling resampling = Resampling::kSystematic;
  int moves = 1;
};
// "extend;resample:systematic;mh:3": one extend first; kUsage otherwise.
[[nodiscard]] std::vector<InferenceBlock> parse_blocks(std::string_view text);

struct Estimate {
  double mean = 0, error = 0, exact = 0;  // error: standard error over the runs
};
struct InferenceResult {
  Estimate evidence;
  double log_evidence = 0;  // exact
  std::vector<Estimate> means;
  // Every estimate within `errors` standard errors of its exact value.
  [[nodiscard]] bool agrees(double errors) const;
};
[[nodiscard]] InferenceResult run_inference(const ChainModel& model,
                                            const std::vector<InferenceBlock>& blocks,
                                            std::uint32_t particles, std::uint32_t runs,
                                            std::uint64_t seed, int threads);

class InferenceRng {
 public:
  InferenceRng(std::uint64_t seed, std::uint64_t stream);
  ~InferenceRng();
  InferenceRng(const InferenceRng&) = delete;
  InferenceRng& operator=(const InferenceRng&) = delete;
  [[nodiscard]] double unit();  // (0, 1)
  [[nodiscard]] double normal();
  [[nodiscard]] std::uint64_t below(std::uint64_t n);
  // An index with probability proportional to the weights, which sum to 1.
  [[nodiscard]] std::size_t pick(const std::vector<double>& weights);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stateutils::qmc
