#include "statesmix/isa.hpp"

#include <cstdlib>
#include <string>

#include "core/error.hpp"
#include "core/isa.hpp"

namespace stateutils::statesmix {
namespace {

bool contains(const std::vector<Isa>& all, Isa isa) {
  for (const Isa a : all) {
    if (a == isa) return true;
  }
  return false;
}

Isa forced(const std::string& name, const std::vector<Isa>& all) {
  for (const Isa isa : {Isa::kScalar, Isa::kSse2, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (name != isa_name(isa)) continue;
    if (contains(all, isa)) return isa;
    throw core::usage_error("STATESMIX_ISA=" + name + ": not available on this machine");
  }
  throw core::usage_error("STATESMIX_ISA=" + core::quoted(name) +
                          ": unknown; scalar, sse2, avx2, avx512 or neon");
}

}  // namespace

std::vector<Isa> available_isas() {
  std::vector<Isa> all{Isa::kScalar};
#if defined(__x86_64__)
  all.push_back(Isa::kSse2);
  for (const core::Isa isa : core::available_isas()) {
    if (isa == core::Isa::kAvx2) all.push_back(Isa::kAvx2);
    if (isa == core::Isa::kAvx512) all.push_back(Isa::kAvx512);
  }
#elif defined(__ARM_NEON)
  all.push_back(Isa::kNeon);
#endif
  return all;
}

Isa active_isa() {
  const std::vector<Isa> all = available_isas();
  if (const char* name = std::getenv("STATESMIX_ISA"); name != nullptr && *name != '\0') {
    return forced(name, all);
  }
  // The core's switch has no names for the 128-bit sets: they are what its scalar code may use.
  const core::Isa limit = core::active_isa();
  Isa best = all.front();
  for (const Isa isa : all) {
    if (isa == Isa::kAvx2 && limit == core::Isa::kScalar) continue;
    if (isa == Isa::kAvx512 && limit != core::Isa::kAvx512) continue;
    best = isa;
  }
  const char* core_name = std::getenv("STATEUTILS_ISA");
  return core_name != nullptr && std::string_view(core_name) == "scalar" ? Isa::kScalar : best;
}

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kSse2:
      return "sse2";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kNeon:
      return "neon";
  }
  return "scalar";
}

}  // namespace stateutils::statesmix
