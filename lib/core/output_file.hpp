// Files that appear whole or not at all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/output.hpp"

namespace stateutils::core {

struct OutputFileOptions {
  bool sync = true;     // fdatasync the file and fsync its folder (--no-sync clears it)
  bool replace = true;  // false: an existing destination is an error (exit 4)
};

// A destination being written under a temporary name in the same folder (.NAME.tmp.PID). commit()
// syncs, closes and renames it into place; destruction without commit() removes it. Temporary
// files of dead processes for the same destination are removed first. A destination that exists
// and is no regular file (pipe, device) is written directly. The mode follows the file that is
// replaced, else the umask.
class OutputFile : public Output {
 public:
  explicit OutputFile(const std::string& path, OutputFileOptions options = {});
  ~OutputFile() override;

  void commit() override;
  // Everything but the rename, so that several files can be published together.
  void prepare();
  void publish();
  // Random access for writers that place blocks themselves (buffered data is flushed first).
  void write_at(std::uint64_t offset, const void* data, std::size_t size);
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 protected:
  void deliver(const char* data, std::size_t size) override;

 private:
  void close_checked();

  std::string path_, folder_, temporary_;
  OutputFileOptions options_;
  int fd_ = -1;
  bool direct_ = false;  // not a regular file: no temporary, no rename
};

// Publishes prepared files last to first, so that the first (a manifest) appears last: no
// manifest, no result.
void commit_together(std::vector<std::unique_ptr<OutputFile>>& files);

// A folder built as .NAME.tmp.PID beside its destination and renamed into place by commit().
class OutputFolder {
 public:
  explicit OutputFolder(const std::string& path, OutputFileOptions options = {});
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder();

  [[nodiscard]] const std::string& temporary() const { return temporary_; }
  void commit();

 private:
  std::string path_, temporary_;
  OutputFileOptions options_;
  int spare_ = -1;  // a descriptor kept back: the folder can be emptied when none is left
  bool done_ = false;
};

// True when both paths name the same file (device and inode); false when either is missing.
[[nodiscard]] bool same_file(const std::string& a, const std::string& b);

}  // namespace stateutils::core
