#include "statesmix/cm/arena.hpp"

#include <sys/mman.h>

#include <stdexcept>
#include <string>

#include "core/error.hpp"

namespace stateutils::statesmix {

Arena::Arena(std::size_t bytes, bool huge) : size_(bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    throw core::environment_error("cannot reserve " + std::to_string(bytes) +
                                  " bytes of memory for the model");
  }
  base_ = static_cast<std::uint8_t*>(p);
  madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

Arena::~Arena() {
  munmap(base_, size_);
}

void* Arena::take_bytes(std::size_t bytes) {
  const std::size_t need = rounded(bytes);
  if (need > size_ - used_) throw std::logic_error("model arena is too small for its tables");
  void* p = base_ + used_;
  used_ += need;
  return p;
}

}  // namespace stateutils::statesmix
