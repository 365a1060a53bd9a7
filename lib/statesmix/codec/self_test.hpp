// Codes a built-in corpus with every kernel this machine has and compares the streams.
#pragma once

#include <string>
#include <vector>

namespace stateutils::statesmix {

struct SelfTest {
  bool same = true;
  std::vector<std::string> lines;  // "preset 6 avx2: 1234 bytes, hash"
};

[[nodiscard]] SelfTest run_self_test();

}  // namespace stateutils::statesmix
