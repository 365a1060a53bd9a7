#include "core/isa.hpp"

#include <cstdlib>
#include <string>

#include "core/error.hpp"

namespace stateutils::core {
namespace {

#if defined(__x86_64__)
Isa best_isa() {
  // The sets of -march=x86-64-v3 and -v4, which the kernel files are compiled for.
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v4) return Isa::kAvx512;
  return v3 ? Isa::kAvx2 : Isa::kScalar;
}
#else
Isa best_isa() {
  return Isa::kScalar;
}
#endif

Isa choose_isa() {
  const Isa best = best_isa();
  const char* forced = std::getenv("STATEUTILS_ISA");
  if (forced == nullptr || *forced == '\0') return best;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    if (isa_name(isa) != forced) continue;
    if (isa > best) {
      throw usage_error("STATEUTILS_ISA=" + std::string(forced) + ": this CPU does not have it");
    }
    return isa;
  }
  throw usage_error("STATEUTILS_ISA=" + quoted(std::string_view(forced)) +
                    ": known are scalar, avx2, avx512");
}

}  // namespace

Isa active_isa() {
  static const Isa chosen = choose_isa();
  return chosen;
}

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kScalar:
      break;
  }
  return "scalar";
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    if (isa <= best_isa()) isas.push_back(isa);
  }
  return isas;
}

}  // namespace stateutils::core
