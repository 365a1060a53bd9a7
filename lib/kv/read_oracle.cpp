// libCacheSim's oracleGeneral: 24-byte little-endian records u32 time, u64 id, u32 size, i64 next.
// Objects are taken as blocks of one unit; the stored next access is not used (ours is computed).
#include <cstring>

#include "core/error.hpp"
#include "kv/readers.hpp"

namespace stateutils::kv {

void read_oracle(core::ByteSource& source, TraceBuilder& builder) {
  constexpr std::size_t kRecord = 24, kBatch = 8192;
  std::vector<char> buffer(kRecord * kBatch);
  RawRecord record;
  std::uint64_t index = 0;
  for (std::size_t have = 0;;) {
    const std::size_t got = source.read(buffer.data() + have, buffer.size() - have);
    have += got;
    std::size_t at = 0;
    for (; at + kRecord <= have && !builder.full(); at += kRecord) {
      std::uint32_t time = 0;
      std::uint64_t id = 0;
      std::memcpy(&time, buffer.data() + at, 4);
      std::memcpy(&id, buffer.data() + at + 4, 8);
      record.clear();
      record.line = ++index;
      record.t = std::int64_t{time} * kSecond;
      record.in = 1;
      record.block = 1;
      record.has_blocks = true;
      record.opaque_ids = true;
      record.runs.push_back({id, 1});
      builder.add(record);
    }
    if (builder.full()) return;
    std::memmove(buffer.data(), buffer.data() + at, have - at);
    have -= at;
    if (got != 0) continue;
    if (have != 0) {
      throw core::input_error({source.name(), {}, index * kRecord},
                              "a record of 24 bytes is cut off after " + std::to_string(have));
    }
    return;
  }
}

}  // namespace stateutils::kv
