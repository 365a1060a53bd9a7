// Which kernels the codec runs. STATESMIX_ISA wins over STATEUTILS_ISA; kernels differ in speed
// only.
#pragma once

#include <string_view>
#include <vector>

namespace stateutils::statesmix {

enum class Isa { kScalar, kSse2, kAvx2, kAvx512, kNeon };

// The best set of this CPU and build, or the forced one; an unknown or absent name is kUsage.
[[nodiscard]] Isa active_isa();
[[nodiscard]] std::vector<Isa> available_isas();
[[nodiscard]] std::string_view isa_name(Isa isa);

}  // namespace stateutils::statesmix
