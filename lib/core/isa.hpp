// Instruction sets: chosen once, forced by STATEUTILS_ISA=scalar|avx2|avx512. Kernels differ in
// speed only.
#pragma once

#include <string_view>
#include <vector>

namespace stateutils::core {

enum class Isa { kScalar = 0, kAvx2 = 1, kAvx512 = 2 };

// The best set this CPU and build have, or the forced one; a name that is unknown or not to be had
// here is kUsage.
[[nodiscard]] Isa active_isa();
[[nodiscard]] std::string_view isa_name(Isa isa);
[[nodiscard]] std::vector<Isa> available_isas();  // for tests that compare all of them

}  // namespace stateutils::core
