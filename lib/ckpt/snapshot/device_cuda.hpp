// The CUDA side of DeviceSource: plain types only, so that the rest needs no CUDA. Functions return
// nullptr, or what failed.
#pragma once

#include <cstdint>

namespace stateutils::ckpt::snapshot {

// U64 elements in the device's memory, and the stream that the program's own work is on.
struct DeviceState {
  std::uint64_t* data = nullptr;
  std::uint64_t elements = 0;
  void* work = nullptr;
};

const char* cuda_state_open(std::uint64_t elements, DeviceState& state);
void cuda_state_close(DeviceState& state);
// Sets every element; returns when that is done.
const char* cuda_state_fill(const DeviceState& state, std::uint64_t value);
// Copies bytes to the host on a stream of the calling thread's own, which waits for no other.
const char* cuda_state_read(const DeviceState& state, std::uint64_t offset, char* to,
                            std::uint64_t size);
// Page-locks host memory: only then do copies run beside the device's work.
const char* cuda_pin(char* data, std::uint64_t size);
void cuda_unpin(char* data);

}  // namespace stateutils::ckpt::snapshot
