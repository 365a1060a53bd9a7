// Codes FILE with each preset given and says whether FRAME.PRESET, made by another build, holds the
// same stream: portable FILE FRAME PRESET... Needs nothing but the models, so that a cross compiler
// without any library can build it.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "statesmix/codec/float_scope.hpp"
#include "statesmix/codec/predictor.hpp"
#include "statesmix/coder/range_coder.hpp"

using namespace stateutils::statesmix;

// Error messages ask this of the core, whose answer needs simdjson; no message here shows a name.
namespace stateutils::core {
bool is_valid_utf8(std::string_view) {
  return true;
}
}  // namespace stateutils::core

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Bytes coded(const Bytes& raw, int preset) {
  const FloatScope scope;
  Bytes out;
  RangeEncoder coder(out);
  Predictor predictor(model_config(preset, raw.size()), active_isa());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    for (int shift = 7; shift >= 0; --shift) {
      const int bit = (raw[i] >> shift) & 1;
      coder.encode(bit, predictor.predict());
      predictor.update(bit, raw.data(), i + 1);
    }
  }
  coder.finish();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const Bytes raw = slurp(argv[1]);
  int status = raw.empty() ? 2 : 0;
  for (int i = 3; i < argc; ++i) {
    const Bytes frame = slurp(std::string(argv[2]) + "." + argv[i]);
    const Bytes stream = coded(raw, std::atoi(argv[i]));
    const bool same =
        std::search(frame.begin(), frame.end(), stream.begin(), stream.end()) != frame.end();
    std::printf("preset %s, %s: %zu bytes, %s\n", argv[i],
                std::string(isa_name(active_isa())).c_str(), stream.size(),
                same ? "same" : "DIFFERENT");
    if (!same) status = 1;
  }
  return status;
}
