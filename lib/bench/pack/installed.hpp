// Packs by file or by name: shipped ones, and those that users have installed.
#pragma once

#include <string>
#include <vector>

#include "bench/world/json.hpp"

namespace stateutils::bench {

// Folders that hold NAME.json packs, first match wins: $STATEUTILS_PACKS (separated by colons),
// $XDG_DATA_HOME or ~/.local/share, then $XDG_DATA_DIRS or /usr/local/share:/usr/share, each with
// /stateutils/packs.
[[nodiscard]] std::vector<std::string> pack_folders();

// A path (with a slash, or a file that is there), a shipped pack, or an installed one; kEnvironment
// when there is none of that name.
[[nodiscard]] std::string load_pack_text(const std::string& name);
[[nodiscard]] inline Document load_pack(const std::string& name) {
  return {load_pack_text(name), name, true};
}

}  // namespace stateutils::bench
