// How a subcommand whose result is one JSON object, or a stream, also answers --json.
#pragma once

#include <string>

#include "core/io.hpp"

namespace stateutils::tools {

// Whether a --json summary is wanted and has a place: a bare --json adds nothing to a result that
// went to stdout already.
[[nodiscard]] bool wants_summary(const core::Io& io, const std::string& output);

// Writes one JSON object to `output`, and the same as the --json summary.
void write_result(const std::string& json, const std::string& output, const core::Io& io);

}  // namespace stateutils::tools
