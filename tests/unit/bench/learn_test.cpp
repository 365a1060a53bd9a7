// Learners against problems with known targets.
#include <doctest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "bench/learn/fit.hpp"
#include "bench/learn/stream_learner.hpp"

using namespace stateutils;
using namespace stateutils::bench;

namespace {

std::string learn_data(const std::string& name) {
  return core::read_file(std::string(TESTDATA_DIR) + "/gen-bench/" + name, 64u << 20);
}

Strings strings(const std::string& name, bool labelled) {
  const std::string text = learn_data(name);
  const auto source = core::memory_input(text, name);
  return read_abbadingo(*source, labelled);
}

double accuracy(const std::string& problem, const FitOptions& options) {
  const StateMachine m = fit(strings("dfa/" + problem + ".train", true), options);
  const Strings test = strings("dfa/" + problem + ".test", true);
  const std::string labels = learn_data("dfa/" + problem + ".labels");
  std::size_t right = 0;
  for (std::size_t i = 0; i < test.size(); ++i) right += m.accepts(test[i]) == (labels[i] == '1');
  return static_cast<double>(right) / static_cast<double>(test.size());
}

double quality(const std::string& problem, const StateMachine& m) {
  const Strings test = strings("pdfa/" + problem + ".test", false);
  std::istringstream in(learn_data("pdfa/" + problem + ".solution"));
  std::size_t count = 0;
  in >> count;
  std::vector<double> target(count), learned;
  for (double& p : target) in >> p;
  for (std::size_t i = 0; i < test.size(); ++i) learned.push_back(m.log2_probability(test[i]));
  return perplexity(target, learned);
}

std::string failure(const std::string& text, bool labelled) {
  try {
    const auto source = core::memory_input(text, "in");
    (void)read_abbadingo(*source, labelled);
  } catch (const core::Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("evidence-driven merging finds the d64 target") {
  FitOptions options;
  options.score = MergeScore::kEdsm;
  CHECK(accuracy("d64", options) == 1.0);
  CHECK(accuracy("d32", options) > 0.99);  // FlexFringe: 0.9967
}

TEST_CASE("likelihood merging is within 0.1 % of FlexFringe's perplexities") {
  const StateMachine p06 = fit(strings("pdfa/p06.train", false), {});
  CHECK(quality("p06", p06) < 31.5936 * 1.001);
  const StateMachine p20 = fit(strings("pdfa/p20.train", false), {});
  CHECK(quality("p20", p20) < 25.5502 * 1.001);
}

TEST_CASE("ALERGIA is better than a trigram model") {
  FitOptions options;
  options.score = MergeScore::kAlergia;
  CHECK(quality("p06", fit(strings("pdfa/p06.train", false), options)) < 33.408958);
}

TEST_CASE("the given target has the known perplexity") {
  const Document document(learn_data("pdfa/p06.model.json"), "p06", false);
  CHECK(quality("p06", read_state_machine(document.root())) == doctest::Approx(31.592474));
}

TEST_CASE("a stream learner is good and its memory does not follow the stream") {
  const Strings all = strings("pdfa/p06.train", false);
  StreamLearner once(all.alphabet, {}), thrice(all.alphabet, {});
  Strings batch;
  batch.alphabet = all.alphabet;
  const auto feed = [&](StreamLearner& learner) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto s = all[i];
      batch.symbols.insert(batch.symbols.end(), s.begin(), s.end());
      batch.begin.push_back(batch.symbols.size());
      if (batch.size() < 500) continue;
      learner.learn(batch);
      batch.clear();
    }
  };
  feed(once);
  for (int i = 0; i < 3; ++i) feed(thrice);
  CHECK(quality("p06", once.machine()) < 33.408958);  // the trigram's
  CHECK(thrice.nodes() < 2 * once.nodes() + 64);
}

TEST_CASE("machines survive their own JSON") {
  const StateMachine m = fit(strings("pdfa/p06.train", false), {});
  const Document document(m.json(), "model", false);
  const StateMachine again = read_state_machine(document.root());
  CHECK(again.json() == m.json());
  CHECK(again.generates());
}

TEST_CASE("a learned generator gives nothing the probability 0") {
  const StateMachine m = fit(strings("pdfa/p20.train", false), {});
  core::Rng rng(5, 6);
  for (int i = 0; i < 200; ++i) {
    std::vector<Symbol> s(rng.below(40));
    for (Symbol& a : s) a = static_cast<Symbol>(rng.below(m.alphabet));
    CHECK(std::isfinite(m.log2_probability(s)));
  }
}

TEST_CASE("chi-square tails") {
  // R: pchisq(c(3.841459, 11.0705, 50), c(1, 5, 20), lower.tail = FALSE)
  CHECK(chi_square_tail(3.841459, 1) == doctest::Approx(0.05).epsilon(1e-5));
  CHECK(chi_square_tail(11.0705, 5) == doctest::Approx(0.05).epsilon(1e-5));
  CHECK(chi_square_tail(50, 20) == doctest::Approx(0.000221476).epsilon(1e-4));
  CHECK(chi_square_tail(0, 3) == 1);
}

TEST_CASE("Abbadingo files are read strictly") {
  CHECK(failure("2 2\n1 2 0 1\n0 1 1\n", true).empty());
  CHECK(failure("", true).find("holds no strings") != std::string::npos);
  CHECK(failure("3 2\n1 2 0 1\n0 1 1\n", true).find("announces 3") != std::string::npos);
  CHECK(failure("1 2\n1 2 0 2\n", true).find("in:2: symbol 2 is outside") != std::string::npos);
  CHECK(failure("1 2\n1 3 0 1\n", true).find("says length 3") != std::string::npos);
  CHECK(failure("1 70000\n1 0\n", true).find("65536") != std::string::npos);
  CHECK(failure("1 2\n2 0\n", true).find("label") != std::string::npos);
  CHECK(failure("1 2\n2 0 1\n", false).empty());
}
