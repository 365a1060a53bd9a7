#include "statesmix/codec/self_test.hpp"

#include <array>
#include <string_view>

#include "core/hash.hpp"
#include "statesmix/cm/text_state.hpp"
#include "statesmix/codec/block_codec.hpp"

namespace stateutils::statesmix {
namespace {

// Text, numbers in lines, and noise: every part of the model has something to do.
std::vector<std::uint8_t> corpus() {
  constexpr std::array<std::string_view, 12> kWords = {"state", "space", "models", "learn",
                                                       "the",   "file",  "while",  "they",
                                                       "code",  "it.\n", "The",    "decoder"};
  std::vector<std::uint8_t> out;
  std::uint64_t n = 0;
  const auto next = [&n] { return hash64(++n); };
  while (out.size() < 6000) {
    const std::string_view w = kWords[next() % kWords.size()];
    out.insert(out.end(), w.begin(), w.end());
    out.push_back(' ');
  }
  for (int row = 0; row < 120; ++row) {
    const std::string line = std::to_string(row) + "," + std::to_string(next() % 1000) + ",x\n";
    out.insert(out.end(), line.begin(), line.end());
  }
  for (int i = 0; i < 500; ++i) out.push_back(static_cast<std::uint8_t>(next()));
  return out;
}

}  // namespace

SelfTest run_self_test() {
  SelfTest result;
  const std::vector<std::uint8_t> raw = corpus();
  for (const int preset : {1, 3, 6}) {
    std::uint64_t reference = 0;
    for (const Isa isa : available_isas()) {
      const EncodedBlock coded = encode_block(raw, preset, 0, isa, {});
      const std::uint64_t hash = core::xxh3_64(coded.payload.data(), coded.payload.size());
      std::vector<std::uint8_t> back;
      const bool decoded =
          decode_block(coded.header, coded.payload, coded.hash, preset, 0, isa, {}, back) &&
          back == raw;
      if (isa == Isa::kScalar) reference = hash;
      const bool agrees = hash == reference && decoded;
      result.same = result.same && agrees;
      result.lines.push_back("preset " + std::to_string(preset) + " " + std::string(isa_name(isa)) +
                             ": " + std::to_string(coded.payload.size()) + " bytes, " +
                             (agrees ? "same" : "DIFFERENT"));
    }
  }
  return result;
}

}  // namespace stateutils::statesmix
