// How this process takes memory from the system and gives it back. Set before threads start;
// without effect where the C library has no such settings.
#pragma once

#include <cstdint>

namespace stateutils::core {

// Bytes; 0 leaves the library's own way, which changes with what the program does.
struct HeapHabits {
  std::uint64_t step = 0;    // the heap grows by so much more than is asked for
  std::uint64_t mapped = 0;  // blocks from this size on are mapped alone and given back at once
  std::uint64_t kept = 0;    // free memory at the heap's end that is not given back
};
void set_heap(const HeapHabits& habits);

}  // namespace stateutils::core
