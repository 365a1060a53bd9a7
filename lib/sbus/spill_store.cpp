#include "sbus/spill_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/output.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::size_t kSpillBlock = std::size_t{1} << 20;

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

SpillStore::SpillStore(const std::string& folder)
    : folder_(folder + "/sbus-check." + std::to_string(::getpid())) {
  std::error_code code;
  if (!std::filesystem::create_directory(folder_, code)) {
    throw core::system_error(folder_, "create", code ? code.value() : EEXIST);
  }
}

SpillStore::~SpillStore() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void SpillStore::append(const std::string& name, const void* data, std::size_t bytes) const {
  if (bytes == 0) return;
  const std::string path = folder_ + "/" + name;
  const Descriptor file(path, O_WRONLY | O_CREAT | O_APPEND);
  if (file.get() < 0) throw core::system_error(path, "open", errno);
  core::write_fully(file.get(), static_cast<const char*>(data), bytes, path);
}

void SpillStore::read(const std::string& name, std::size_t unit,
                      const std::function<void(const char*, std::size_t)>& take) const {
  const std::string path = folder_ + "/" + name;
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return;
  const core::FileReader file(path);
  const auto block = std::make_unique<char[]>(kSpillBlock);
  for (std::uint64_t at = 0; at < file.size();) {
    const std::size_t part = static_cast<std::size_t>(
        std::min<std::uint64_t>(file.size() - at, kSpillBlock / unit * unit));
    if (part % unit != 0) throw core::environment_error(path + ": cut short");
    file.read_at(at, block.get(), part);
    take(block.get(), part);
    at += part;
  }
}

void SpillStore::remove(const std::string& name) const {
  std::error_code ignored;
  std::filesystem::remove(folder_ + "/" + name, ignored);
}

}  // namespace stateutils::sbus
