#include "ckpt/plan/computed.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace stateutils::ckpt {

ComputedFile::ComputedFile(DType dtype, std::uint64_t elements, std::string name)
    : elements_(elements), item_(item_bytes(dtype)), name_(std::move(name)) {}

void ComputedFile::read_at(std::uint64_t offset, void* data, std::uint64_t size) const {
  auto* out = static_cast<char*>(data);
  std::vector<char> edge;  // blocks of which only a part is wanted
  const std::uint64_t last = (offset + size + item_ - 1) / item_;
  for (std::uint64_t done = 0; done < size;) {
    const std::uint64_t first = (offset + done) / item_, skip = (offset + done) % item_;
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kMost, last - first));
    const std::uint64_t part = std::min(count * item_ - skip, size - done);
    if (part == count * item_) {
      compute(first, count, out + done);
    } else {
      edge.resize(count * item_);
      compute(first, count, edge.data());
      std::memcpy(out + done, edge.data() + skip, part);
    }
    done += part;
  }
}

}  // namespace stateutils::ckpt
