#include <cstdio>

#include "core/rng.hpp"
#include "core/units.hpp"

int main(int, char** argv) {
  const auto size = stateutils::core::parse_size(argv[1]);
  if (!size) return 3;
  std::printf("%s %08x\n", stateutils::core::format_size(size->bytes).c_str(),
              stateutils::core::philox4x32({0, 0, 0, 0}, 0, 0)[0]);
}
