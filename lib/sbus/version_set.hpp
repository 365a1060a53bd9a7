// The versions that commits of one shard have reported, as the highest one and the gaps below it.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>

namespace stateutils::sbus {

class VersionSet {
 public:
  // False when the version was there already.
  bool insert(std::int64_t version) {
    if (version > highest_) {
      if (version > highest_ + 1) gaps_.emplace(highest_ + 1, version - 1);
      highest_ = version;
      return true;
    }
    auto gap = gaps_.upper_bound(version);  // the first gap that begins after it
    if (gap == gaps_.begin()) return false;
    --gap;
    const auto [first, last] = *gap;
    if (version > last) return false;
    gaps_.erase(gap);
    if (first < version) gaps_.emplace(first, version - 1);
    if (version < last) gaps_.emplace(version + 1, last);
    return true;
  }

 private:
  std::int64_t highest_ = -1;
  std::map<std::int64_t, std::int64_t> gaps_;  // first -> last missing version
};

}  // namespace stateutils::sbus
