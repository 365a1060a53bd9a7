// Deflated zip entries as random-access bytes (RFC 1951).
#pragma once

#include "ckpt/model/bytes.hpp"

namespace stateutils::ckpt {

// The `size` bytes that `stored` deflated bytes at `offset` of `base` stand for. They are decoded
// as far as they are read, into an unlinked temporary file; malformed data, or data of another
// length than `size`, is kInput when it is met.
[[nodiscard]] ByteFilePtr inflated_file(ByteFilePtr base, std::uint64_t offset,
                                        std::uint64_t stored, std::uint64_t size);

}  // namespace stateutils::ckpt
