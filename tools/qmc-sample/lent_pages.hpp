// Memory that is lent to a pipe instead of copied into it (vmsplice).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stateutils::tools {

// Areas of pages in turn. An area is used again when so many bytes have followed it as the pipe can
// hold: its own have been read then. A reader that passes pages on (splice, tee) and does not read
// them would see them change.
class LentPages {
 public:
  // `fd` is a pipe, which is asked to hold 1 MiB.
  LentPages(int fd, std::string name);
  LentPages(const LentPages&) = delete;
  LentPages& operator=(const LentPages&) = delete;
  ~LentPages();  // what the reader has not read yet stays as it is

  // An area of that size which nobody reads; it stays so until lend().
  [[nodiscard]] char* area(std::size_t bytes);
  // Sends the first bytes of the last area.
  void lend(std::size_t bytes);

 private:
  struct Area {
    char* data;
    std::size_t size;
    std::uint64_t end;  // bytes sent when it had been lent
  };
  int fd_;
  std::string name_;
  std::uint64_t capacity_, sent_ = 0;
  std::vector<Area> areas_;
  std::size_t current_ = 0;
};

}  // namespace stateutils::tools
