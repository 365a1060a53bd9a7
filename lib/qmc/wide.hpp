#pragma once

namespace stateutils::qmc {

// 128 bits: every compiler this project supports has them, though ISO C++ does not.
__extension__ using Wide = unsigned __int128;

}  // namespace stateutils::qmc
