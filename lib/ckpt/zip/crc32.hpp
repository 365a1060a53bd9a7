// CRC-32 of zip and gzip (reflected 0xEDB88320), by carry-less multiplication where the processor
// has it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stateutils::ckpt {

// Continues `crc` (0 at the start) over `size` bytes.
[[nodiscard]] std::uint32_t crc32(std::uint32_t crc, const void* data, std::size_t size);
// The table-driven form, the reference of the tests.
[[nodiscard]] std::uint32_t crc32_portable(std::uint32_t crc, const void* data, std::size_t size);
// CRC of A followed by B, from crc(A), crc(B) and the length of B.
[[nodiscard]] std::uint32_t crc32_join(std::uint32_t crc_a, std::uint32_t crc_b,
                                       std::uint64_t length_b);

}  // namespace stateutils::ckpt
