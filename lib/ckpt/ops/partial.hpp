// Results made in several runs or by several processes: DST.partial holds what is there so far.
#pragma once

#include <string>
#include <vector>

#include "ckpt/ops/publish.hpp"

namespace stateutils::ckpt {

// Whether DST.partial exists.
[[nodiscard]] bool has_partial(const std::string& dst);

// Writes this slice's files into DST.partial, going on where an earlier run of the same options
// and inputs stopped; another job's DST.partial is kEnvironment unless forced. When the deadline
// passes: kEnvironment, and what is finished stays. The run that completes the set writes the
// closing files and renames DST.partial to DST; the others return with `published` false.
Published publish_partial(const std::vector<OutputPlan>& plans, const std::string& dst,
                          const PublishOptions& options);

// The slice that writes each plan: a pure function of the sizes; closing files belong to nobody.
[[nodiscard]] std::vector<std::uint64_t> slice_owners(const std::vector<OutputPlan>& plans,
                                                      std::uint64_t slices);

}  // namespace stateutils::ckpt
