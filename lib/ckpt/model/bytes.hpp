// Where tensor bytes come from: files, memory and views that compute them. The planner and the
// engine know nothing else of a source.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace stateutils::ckpt {

// Random access to bytes, safe from several threads at once.
class ByteFile {
 public:
  ByteFile() = default;
  ByteFile(const ByteFile&) = delete;
  ByteFile& operator=(const ByteFile&) = delete;
  virtual ~ByteFile() = default;

  // Exactly `size` bytes at `offset`; kInput naming file and offset when there are fewer.
  virtual void read_at(std::uint64_t offset, void* data, std::uint64_t size) const = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  [[nodiscard]] virtual const std::string& name() const = 0;
  // How a plan names the work on these bytes: "copy", "cast", "zero" ...
  [[nodiscard]] virtual const char* operation() const { return "copy"; }
};
using ByteFilePtr = std::shared_ptr<const ByteFile>;

// A regular file, opened when first read; at most a few hundred descriptors are held at once.
[[nodiscard]] ByteFilePtr plain_file(const std::string& path);
// A pipe or another file that cannot seek, copied to an unlinked temporary file; "-" is stdin.
[[nodiscard]] ByteFilePtr spooled_input(const std::string& path);
// An unlinked file in $TMPDIR or /tmp, for copies that outlive no process; and reads from it.
[[nodiscard]] int open_scratch_file();
void read_scratch_file(int fd, std::uint64_t offset, void* data, std::uint64_t size,
                       const std::string& name);
[[nodiscard]] ByteFilePtr memory_file(std::string bytes, std::string name);
[[nodiscard]] ByteFilePtr zero_file(std::uint64_t size);
// Bytes [offset, offset + size) of `base`.
[[nodiscard]] ByteFilePtr sub_file(ByteFilePtr base, std::uint64_t offset, std::uint64_t size);
// `base` with the bytes of every item (2, 4, 8 bytes) reversed: big-endian sources.
[[nodiscard]] ByteFilePtr swapped_file(ByteFilePtr base, std::uint64_t item);
// Byte ranges of files one after another.
struct FilePart {
  ByteFilePtr file;
  std::uint64_t offset = 0, size = 0;
};
[[nodiscard]] ByteFilePtr concat_files(std::vector<FilePart> parts, std::string name);
// The parts of such a file; nullptr for any other.
[[nodiscard]] const std::vector<FilePart>* concat_parts(const ByteFile& file);
// The file that a sub_file() is part of (itself when it is none); adds to `base` where it begins.
[[nodiscard]] const ByteFile* underlying(const ByteFile& file, std::uint64_t& base);
// `size` bytes at `offset` as a string; the caller has bounded `size`.
[[nodiscard]] std::string read_text(const ByteFile& file, std::uint64_t offset, std::uint64_t size);

}  // namespace stateutils::ckpt
