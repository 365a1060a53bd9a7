#include "bench/families/stream.hpp"

#include <cstring>
#include <string>

#include "core/hash.hpp"

namespace stateutils::bench {

core::Rng task_stream(std::string_view pack_sha256, std::string_view family, std::uint64_t seed,
                      std::uint64_t index, std::uint64_t round) {
  std::string tuple(pack_sha256);
  tuple += '\n';
  tuple += family;
  tuple +=
      '\n' + std::to_string(seed) + '\n' + std::to_string(index) + '\n' + std::to_string(round);
  const core::Sha256Digest digest = core::sha256(tuple);
  const auto word = [&](std::size_t at) {  // little-endian, whatever the machine
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{digest[at + i]} << (8 * i);
    return value;
  };
  return core::Rng(word(0), word(8));
}

}  // namespace stateutils::bench
