// Doubly linked lists of numbers in flat arrays; a number is in at most one list of a Links.
#pragma once

#include <cstdint>
#include <vector>

#include "kv/trace.hpp"

namespace stateutils::kv {

struct Link {
  std::uint32_t newer = kNone, older = kNone;
};
using Links = std::vector<Link>;

struct IndexList {
  std::uint32_t newest = kNone, oldest = kNone;
  std::uint64_t size = 0;

  void push(Links& links, std::uint32_t x) {
    links[x] = {kNone, newest};
    if (newest != kNone) links[newest].newer = x;
    newest = x;
    if (oldest == kNone) oldest = x;
    ++size;
  }
  void remove(Links& links, std::uint32_t x) {
    const Link link = links[x];
    (link.newer != kNone ? links[link.newer].older : newest) = link.older;
    (link.older != kNone ? links[link.older].newer : oldest) = link.newer;
    --size;
  }
  std::uint32_t pop(Links& links) {
    const std::uint32_t x = oldest;
    remove(links, x);
    return x;
  }
  void renew(Links& links, std::uint32_t x) {
    if (x == newest) return;
    remove(links, x);
    push(links, x);
  }
};

}  // namespace stateutils::kv
