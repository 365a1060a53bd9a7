// A violation as a picture: what was read, who overwrote it, and the commit that did not know.
#pragma once

#include <string>
#include <vector>

#include "sbus/audit.hpp"

namespace stateutils::sbus_check {

// "Lost update of board: a2 committed board after reading version 1, which had become 2". Plain
// text.
[[nodiscard]] std::string violation_title(const sbus::Violation& v);

// SVG; `inside` a page, which has the title beside it, or a file of its own. `files` holds more
// than one name when lines must say which file they are from.
[[nodiscard]] std::string timeline_svg(const sbus::Violation& v,
                                       const std::vector<std::string>& files, bool inside);

}  // namespace stateutils::sbus_check
