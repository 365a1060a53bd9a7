// Samples from hostile hands: any bytes are strings to learn from, or an error.
#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/learn/fit.hpp"
#include "bench/learn/stream_learner.hpp"
#include "core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const bool labelled : {false, true}) {
    try {
      const auto source = core::memory_input(text, "in");
      const bench::Strings sample = bench::read_abbadingo(*source, labelled);
      if (sample.alphabet > 64) continue;
      bench::FitOptions options;
      for (const auto score : {bench::MergeScore::kRpni, bench::MergeScore::kEdsm,
                               bench::MergeScore::kAlergia, bench::MergeScore::kLikelihood}) {
        options.score = score;
        try {
          (void)fit(sample, options).json();
        } catch (const core::Error&) {  // without labels, say
        }
      }
      bench::StreamLearner learner(sample.alphabet, {});
      learner.learn(sample);
      (void)learner.machine();
    } catch (const core::Error&) {  // refused, as it should be
    }
  }
  return 0;
}
