// State providers: what a snapshot is made of. A provider says its size and layout before any byte
// is ready, and gives bytes on demand.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "ckpt/formats/safetensors.hpp"
#include "ckpt/model/bytes.hpp"

namespace stateutils::ckpt::snapshot {

class StateProvider {
 public:
  StateProvider() = default;
  StateProvider(const StateProvider&) = delete;
  StateProvider& operator=(const StateProvider&) = delete;
  virtual ~StateProvider() = default;

  // Entries in the order of their bytes, and how many bytes they have together.
  [[nodiscard]] virtual std::vector<TensorInfo> layout() const = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // Copies bytes [offset, offset + size); safe from several threads.
  virtual void read(std::uint64_t offset, char* to, std::uint64_t size) const = 0;
  // The bytes themselves where they lie in one piece in memory, else nullptr.
  [[nodiscard]] virtual const char* view(std::uint64_t, std::uint64_t) const { return nullptr; }
  // Called when a snapshot is asked for: work that may go on beside it begins.
  virtual void begin() {}
};
using ProviderPtr = std::shared_ptr<StateProvider>;

// A dense tensor in memory, read where it lies.
[[nodiscard]] ProviderPtr contiguous_provider(std::string name, DType dtype, Shape shape,
                                              const char* data);
// A tensor with any strides (bytes) in memory, gathered while it is read.
[[nodiscard]] ProviderPtr strided_provider(std::string name, DType dtype, Shape shape,
                                           const char* data, std::vector<std::uint64_t> strides);
// A tensor behind a file view (shared memory, a checkpoint).
[[nodiscard]] ProviderPtr file_provider(std::string name, DType dtype, Shape shape,
                                        ByteFilePtr bytes);
// An object that `serialize` turns into text, in a thread of its own that starts with the snapshot.
// It becomes a U8 tensor of `reserved` bytes, filled up with spaces; more text than that is an
// error.
[[nodiscard]] ProviderPtr object_provider(std::string name, std::uint64_t reserved,
                                          std::function<std::string()> serialize);
// Children one after another, larger items first so that all stay aligned.
[[nodiscard]] ProviderPtr composite_provider(std::vector<ProviderPtr> children);

}  // namespace stateutils::ckpt::snapshot
