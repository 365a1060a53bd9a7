#include "ckpt/snapshot/device.hpp"

#include <string>

#include "ckpt/snapshot/synthetic.hpp"
#include "core/error.hpp"
#include "core/gpu.hpp"

#ifdef STATEUTILS_HAVE_CUDA
#include "ckpt/snapshot/device_cuda.hpp"
#endif

namespace stateutils::ckpt::snapshot {

#ifdef STATEUTILS_HAVE_CUDA
namespace {

void require(const char* failed) {
  if (failed != nullptr) throw core::environment_error(std::string("CUDA device: ") + failed);
}

class DeviceBytes final : public ByteFile {
 public:
  explicit DeviceBytes(std::uint64_t elements) { require(cuda_state_open(elements, state_)); }
  ~DeviceBytes() override { cuda_state_close(state_); }

  void fill(std::uint64_t value) const { require(cuda_state_fill(state_, value)); }
  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    require(cuda_state_read(state_, offset, static_cast<char*>(data), size));
  }
  [[nodiscard]] std::uint64_t size() const override {
    return state_.elements * sizeof(std::uint64_t);
  }
  [[nodiscard]] const std::string& name() const override { return name_; }

 private:
  DeviceState state_;
  std::string name_ = "(device)";
};

std::shared_ptr<DeviceBytes> device_bytes(std::uint64_t elements) {
  core::require_gpu();
  return std::make_shared<DeviceBytes>(elements);
}

}  // namespace

void DeviceSource::overwrite(std::uint64_t step) {
  static_cast<const DeviceBytes&>(*memory_).fill(step);
}

std::shared_ptr<void> pin_for_device(char* data, std::uint64_t size) {
  require(cuda_pin(data, size));
  return {data, [](void* pinned) { cuda_unpin(static_cast<char*>(pinned)); }};
}

#else

namespace {
ByteFilePtr device_bytes(std::uint64_t) {
  core::require_gpu();  // throws: built without CUDA
  return nullptr;
}
}  // namespace

void DeviceSource::overwrite(std::uint64_t) {}
std::shared_ptr<void> pin_for_device(char*, std::uint64_t) {
  return nullptr;
}

#endif

DeviceSource::DeviceSource(std::uint64_t bytes)
    : elements_(synthetic_elements(bytes)), memory_(device_bytes(elements_)) {
  overwrite(0);
}

ProviderPtr DeviceSource::provider() const {
  return synthetic_state(elements_,
                         [this](std::string name, std::uint64_t first, std::uint64_t count) {
                           constexpr std::uint64_t kItem = sizeof(std::uint64_t);
                           return file_provider(std::move(name), DType::kU64, {count},
                                                sub_file(memory_, first * kItem, count * kItem));
                         });
}

}  // namespace stateutils::ckpt::snapshot
