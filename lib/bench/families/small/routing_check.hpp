// Hardening of routing tasks: their judge compares with `expected`, so that must be the one right
// trip, and no trip that went wrong somewhere may pass for it.
#pragma once

#include "bench/families/small/routing.hpp"
#include "bench/families/workshop.hpp"

namespace stateutils::bench {

// What a trial says that is played by calling these tools in turn and then giving up or being done:
// tools that fail are found out, calls without an edge end the trip.
[[nodiscard]] RoutingTrial trip(const RoutingTask& task, const std::vector<std::string>& attempts);

[[nodiscard]] Validation validate_routing(const Cursor& record, const ValidateOptions& options);
[[nodiscard]] Hardened harden_routing(Draw draw, const ValidateOptions& options);

}  // namespace stateutils::bench
