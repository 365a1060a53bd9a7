#include "kv/trace.hpp"

#include "kv/trace_arrange.hpp"

namespace stateutils::kv {

std::string Trace::id_of(std::uint32_t i) const {
  if (!id.empty()) return ids[id[i]];
  return ids.size() == 0 ? std::to_string(i) : ids[i];
}

bool Trace::is_last(std::uint32_t i) const {
  return !last.empty() && (last[i] & kLast) != 0;
}

}  // namespace stateutils::kv
