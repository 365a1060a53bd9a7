// Memory that is lent to a pipe instead of copied into it (vmsplice).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace stateutils::tools {

class LentPages {
 public:
  LentPages() = default;
  LentPages(const LentPages&) = delete;
  LentPages& operator=(const LentPages&) = delete;
  virtual ~LentPages() = default;  // what the reader has not read yet stays as it is

  // An area of that size, aligned to cache lines, which nobody reads; it stays so until lend().
  [[nodiscard]] virtual char* area(std::size_t bytes) = 0;
  // Sends the first bytes of the last area.
  virtual void lend(std::size_t bytes) = 0;
};

// Both are for a descriptor `fd` that is a pipe, which is asked to hold 1 MiB.

// Areas of pages in turn. An area is used again when so many bytes have followed it as the pipe can
// hold: its own have been read then. A reader that passes pages on (splice, tee) and does not read
// them would see them change.
[[nodiscard]] std::unique_ptr<LentPages> reused_pages(int fd, std::string name);

// Pages that nothing is ever written to again, so that any reader sees what was sent. That costs
// less than a copy only where the system hands out pages of 2 MiB, which come zeroed in one go;
// elsewhere, as for pipes that take no pages, what is lent is copied. Memory is what the pipe holds
// and two such pages.
[[nodiscard]] std::unique_ptr<LentPages> fresh_pages(int fd, std::string name);

}  // namespace stateutils::tools
