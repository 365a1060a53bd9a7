#include "ckpt/model/bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ckpt/model/recent.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/output.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

using core::FileReader;

void check_range(std::uint64_t offset, std::uint64_t size, const ByteFile& file) {
  if (offset > file.size() || size > file.size() - offset) {
    throw core::input_error({file.name(), std::nullopt, offset},
                            "the file ends before " + std::to_string(size) + " bytes");
  }
}

// Descriptors of open inputs; the one used longest ago is closed when there are too many.
RecentlyUsed<const void*, const FileReader>& open_files() {
  static RecentlyUsed<const void*, const FileReader> files(128);
  return files;
}

class PlainFile final : public ByteFile {
 public:
  explicit PlainFile(const std::string& path) : path_(path), size_(reader()->size()) {}
  ~PlainFile() override {
    open_files().forget_if([this](const void* owner) { return owner == this; });
  }

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    if (size == 0) return;
    check_range(offset, size, *this);
    reader()->read_at(offset, data, size);
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return path_; }

 private:
  [[nodiscard]] std::shared_ptr<const FileReader> reader() const {
    return open_files().get(this, [this] { return std::make_shared<const FileReader>(path_); });
  }

  std::string path_;
  std::uint64_t size_;
};

class SpooledFile final : public ByteFile {
 public:
  explicit SpooledFile(const std::string& path)
      : name_(path == "-" ? "stdin" : path), fd_(open_scratch_file()) {
    try {
      fill(path);
    } catch (...) {
      ::close(fd_);
      throw;
    }
  }
  ~SpooledFile() override { ::close(fd_); }

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    check_range(offset, size, *this);
    read_scratch_file(fd_, offset, data, size, name_);
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  void fill(const std::string& path) {
    const auto source = core::open_raw_input(path);
    std::vector<char> buffer(1u << 20);
    while (const std::size_t got = source->read(buffer.data(), buffer.size())) {
      core::pwrite_fully(fd_, buffer.data(), got, size_, "temporary copy of " + name_);
      size_ += got;
      core::check_stop();
    }
  }

  std::string name_;
  int fd_;
  std::uint64_t size_ = 0;
};

class MemoryFile final : public ByteFile {
 public:
  MemoryFile(std::string bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}
  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    check_range(offset, size, *this);
    if (size > 0) std::memcpy(data, bytes_.data() + offset, size);
  }
  [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  std::string bytes_, name_;
};

class ZeroFile final : public ByteFile {
 public:
  explicit ZeroFile(std::uint64_t size) : size_(size) {}
  void read_at(std::uint64_t, void* data, std::uint64_t size) const override {
    std::memset(data, 0, size);
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const char* operation() const override { return "zero"; }

 private:
  std::uint64_t size_;
  std::string name_ = "(zeros)";
};

class SubFile final : public ByteFile {
 public:
  SubFile(ByteFilePtr base, std::uint64_t offset, std::uint64_t size)
      : base_(std::move(base)), offset_(offset), size_(size) {}
  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    check_range(offset, size, *this);
    base_->read_at(offset_ + offset, data, size);
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return base_->name(); }
  [[nodiscard]] const char* operation() const override { return base_->operation(); }
  [[nodiscard]] const ByteFile* base() const { return base_.get(); }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  ByteFilePtr base_;
  std::uint64_t offset_, size_;
};

class ConcatFile final : public ByteFile {
 public:
  ConcatFile(std::vector<FilePart> parts, std::string name)
      : parts_(std::move(parts)), name_(std::move(name)) {
    for (const FilePart& part : parts_) {
      starts_.push_back(size_);
      size_ += part.size;
    }
  }
  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    check_range(offset, size, *this);
    auto* to = static_cast<char*>(data);
    auto index =
        static_cast<std::size_t>(std::ranges::upper_bound(starts_, offset) - starts_.begin());
    for (index = index == 0 ? 0 : index - 1; size > 0; ++index) {
      const FilePart& part = parts_[index];
      const std::uint64_t skip = offset - starts_[index];
      const std::uint64_t length = std::min(size, part.size - std::min(skip, part.size));
      if (length == 0) continue;
      part.file->read_at(part.offset + skip, to, length);
      to += length;
      offset += length;
      size -= length;
    }
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const std::vector<FilePart>& parts() const { return parts_; }

 private:
  std::vector<FilePart> parts_;
  std::vector<std::uint64_t> starts_;
  std::string name_;
  std::uint64_t size_ = 0;
};

void reverse_items(char* data, std::uint64_t size, std::uint64_t item) {
  for (std::uint64_t i = 0; i + item <= size; i += item) std::reverse(data + i, data + i + item);
}

class SwappedFile final : public ByteFile {
 public:
  SwappedFile(ByteFilePtr base, std::uint64_t item) : base_(std::move(base)), item_(item) {}
  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    auto* to = static_cast<char*>(data);
    if (offset % item_ == 0 && size % item_ == 0) {
      base_->read_at(offset, to, size);
      reverse_items(to, size, item_);
      return;
    }
    const std::uint64_t first = offset / item_ * item_;
    const std::uint64_t last = (offset + size + item_ - 1) / item_ * item_;
    std::vector<char> items(last - first);
    base_->read_at(first, items.data(), items.size());
    reverse_items(items.data(), items.size(), item_);
    std::memcpy(to, items.data() + (offset - first), size);
  }
  [[nodiscard]] std::uint64_t size() const override { return base_->size(); }
  [[nodiscard]] const std::string& name() const override { return base_->name(); }
  [[nodiscard]] const char* operation() const override { return "swap"; }

 private:
  ByteFilePtr base_;
  std::uint64_t item_;
};

// File systems without O_TMPFILE: a named file, unlinked at once.
int named_temporary(const std::string& folder) {
  std::string path = folder + "/ckpt-convert.XXXXXX";
  const int fd = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) throw core::system_error(folder, "create a temporary file in", errno);
  ::unlink(path.c_str());
  return fd;
}

}  // namespace

int open_scratch_file() {
  const char* folder = std::getenv("TMPDIR");
  const std::string where = folder != nullptr && *folder != '\0' ? folder : "/tmp";
  const int fd = ::open(where.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return fd >= 0 ? fd : named_temporary(where);
}

void read_scratch_file(int fd, std::uint64_t offset, void* data, std::uint64_t size,
                       const std::string& name) {
  auto* to = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got =
        ::pread(fd, to, std::min<std::uint64_t>(size, 1u << 30), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      core::check_stop();
      continue;
    }
    if (got < 0) throw core::system_error(name, "read the copy of", errno);
    if (got == 0) throw core::environment_error(name + ": the temporary copy was cut");
    to += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::uint64_t>(got);
  }
}

ByteFilePtr plain_file(const std::string& path) {
  return std::make_shared<PlainFile>(path);
}

ByteFilePtr spooled_input(const std::string& path) {
  return std::make_shared<SpooledFile>(path);
}

ByteFilePtr memory_file(std::string bytes, std::string name) {
  return std::make_shared<MemoryFile>(std::move(bytes), std::move(name));
}

ByteFilePtr zero_file(std::uint64_t size) {
  return std::make_shared<ZeroFile>(size);
}

ByteFilePtr sub_file(ByteFilePtr base, std::uint64_t offset, std::uint64_t size) {
  check_range(offset, size, *base);
  return std::make_shared<SubFile>(std::move(base), offset, size);
}

ByteFilePtr swapped_file(ByteFilePtr base, std::uint64_t item) {
  return std::make_shared<SwappedFile>(std::move(base), item);
}

ByteFilePtr concat_files(std::vector<FilePart> parts, std::string name) {
  return std::make_shared<ConcatFile>(std::move(parts), std::move(name));
}

const std::vector<FilePart>* concat_parts(const ByteFile& file) {
  const auto* concat = dynamic_cast<const ConcatFile*>(&file);
  return concat == nullptr ? nullptr : &concat->parts();
}

const ByteFile* underlying(const ByteFile& file, std::uint64_t& base) {
  const ByteFile* at = &file;
  while (const auto* part = dynamic_cast<const SubFile*>(at)) {
    base += part->offset();
    at = part->base();
  }
  return at;
}

std::string read_text(const ByteFile& file, std::uint64_t offset, std::uint64_t size) {
  std::string text(size, '\0');
  file.read_at(offset, text.data(), size);
  return text;
}

}  // namespace stateutils::ckpt
