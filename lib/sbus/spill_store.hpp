// Files that hold what a search cannot keep in memory; a folder of their own, removed at the end.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace stateutils::sbus {

class SpillStore {
 public:
  // Makes a folder of this process below `folder`, which must exist.
  explicit SpillStore(const std::string& folder);
  SpillStore(const SpillStore&) = delete;
  SpillStore& operator=(const SpillStore&) = delete;
  ~SpillStore();

  // Files are named by the caller; different files may be used by different threads.
  void append(const std::string& name, const void* data, std::size_t bytes) const;
  // Calls take(data, bytes) for block after block of a file; the bytes are a multiple of `unit`
  // except when the file was cut short, which is kEnvironment. A file that is absent is empty.
  void read(const std::string& name, std::size_t unit,
            const std::function<void(const char*, std::size_t)>& take) const;
  void remove(const std::string& name) const;

 private:
  std::string folder_;
};

}  // namespace stateutils::sbus
