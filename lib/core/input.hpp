// Byte sources: files, stdin and memory, with zstd frames decoded on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::core {

class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  // Up to `size` bytes; 0 only at the end. Failures are kEnvironment, damaged zstd is kInput.
  virtual std::size_t read(char* data, std::size_t size) = 0;
  // Passes over up to `size` bytes and says how many those were, fewer only at the end. Regular
  // files and memory seek; other sources are read.
  virtual std::uint64_t skip(std::uint64_t size);
  // Whether a read may block although bytes are still to come (a live pipe or a terminal).
  [[nodiscard]] virtual bool is_live() const { return false; }
  // True when a read right now would wait: the moment to flush what was written so far.
  [[nodiscard]] virtual bool would_wait() const { return false; }
  [[nodiscard]] const std::string& name() const { return name_; }

 protected:
  explicit ByteSource(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_ = "(memory)";
};

// Opens PATH, or stdin for "-" (named "stdin" in messages); zstd content (magic or .zst) is
// decoded, concatenated and skippable frames included; a truncated frame is kInput. A path that
// cannot be opened, or is a folder, is kEnvironment.
[[nodiscard]] std::unique_ptr<ByteSource> open_input(const std::string& path);
// The same decoding over bytes in memory, for tests and fuzzing; `data` must outlive the source.
[[nodiscard]] std::unique_ptr<ByteSource> memory_input(std::string_view data,
                                                       std::string name = "(memory)");
// Bytes as they are: no zstd decoding.
[[nodiscard]] std::unique_ptr<ByteSource> open_raw_input(const std::string& path);

// Decodes zstd when the content has its magic, or always when `must_be_zstd`; else passes bytes on.
[[nodiscard]] std::unique_ptr<ByteSource> decode_input(std::unique_ptr<ByteSource> raw,
                                                       bool must_be_zstd = false);

// All bytes up to `limit`; more than that is kInput ("larger than ...").
[[nodiscard]] std::string read_all(ByteSource& source, std::uint64_t limit);
[[nodiscard]] std::string read_file(const std::string& path, std::uint64_t limit);

// Reads exactly `size` bytes; false when the source ends first.
[[nodiscard]] bool read_exact(ByteSource& source, void* data, std::size_t size);

// Random access to a regular file by pread; never mapped, so a file that shrinks is an error and
// not a signal.
class FileReader {
 public:
  explicit FileReader(const std::string& path);
  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&&) = delete;
  ~FileReader();

  // Reads exactly `size` bytes at `offset`; kInput naming the offset when the file is shorter.
  void read_at(std::uint64_t offset, void* data, std::size_t size) const;
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace stateutils::core
