// Requests that wait at one instance, best first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

#include "kv/engine_work.hpp"

namespace stateutils::kv {

// Under `vtc` the tenant that was served least goes first: tokens of its prompts, twice those of
// its outputs; a tenant that comes back starts at the least of the active ones.
class WaitQueue {
 public:
  WaitQueue(const Trace& trace, bool by_tenant) : trace_(trace), by_tenant_(by_tenant) {}

  void push(const WaitKey& key) {
    queue(key.request).insert(key);
    ++size_;
  }
  void erase(const WaitKey& key) {
    queue(key.request).erase(key);
    --size_;
  }
  [[nodiscard]] std::uint32_t size() const { return size_; }
  [[nodiscard]] const WaitKey& best() const {
    if (!by_tenant_) return *queues_[0].begin();
    std::size_t least = queues_.size();
    for (std::size_t t = 0; t < queues_.size(); ++t) {
      if (!queues_[t].empty() && (least == queues_.size() || served_[t] < served_[least]))
        least = t;
    }
    return *queues_[least].begin();
  }
  // The best one that is `ready`, else the best one.
  template <class Ready>
  [[nodiscard]] WaitKey first(Ready ready) const {
    std::vector<std::size_t> order(queues_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (by_tenant_) std::ranges::stable_sort(order, {}, [this](auto t) { return served_[t]; });
    for (const std::size_t t : order) {
      const auto found = std::ranges::find_if(queues_[t], ready);
      if (found != queues_[t].end()) return *found;
    }
    return best();
  }
  [[nodiscard]] std::vector<WaitKey> keys() const {
    std::vector<WaitKey> all;
    for (const auto& queue : queues_) all.insert(all.end(), queue.begin(), queue.end());
    return all;
  }
  // A request has come (it is active until left()).
  void joined(std::uint32_t request) {
    if (!by_tenant_) return;
    const std::size_t t = tenant(request);
    if (active_[t]++ > 0) return;
    std::uint64_t least = ~0ull;
    for (std::size_t other = 0; other < active_.size(); ++other) {
      if (other != t && active_[other] > 0) least = std::min(least, served_[other]);
    }
    if (least != ~0ull) served_[t] = std::max(served_[t], least);
  }
  void left(std::uint32_t request) {
    if (by_tenant_) --active_[tenant(request)];
  }
  void serve(std::uint32_t request, std::uint64_t tokens) {
    if (by_tenant_) served_[tenant(request)] += tokens;
  }
  // Decodes of a tenant advance together.
  void decoding(std::uint32_t request, int change) {
    if (!by_tenant_) return;
    const std::size_t t = tenant(request);
    decodes_[t] = static_cast<std::uint32_t>(static_cast<int>(decodes_[t]) + change);
  }
  void serve_decodes(std::uint64_t steps) {
    if (!by_tenant_) return;
    for (std::size_t t = 0; t < decodes_.size(); ++t) served_[t] += 2 * steps * decodes_[t];
  }

 private:
  std::size_t tenant(std::uint32_t request) {
    const std::uint32_t name = trace_.tenant.empty() ? kNone : trace_.tenant[request];
    const std::size_t t = std::uint32_t(name + 1);
    if (t >= served_.size()) {
      served_.resize(t + 1);
      active_.resize(t + 1);
      decodes_.resize(t + 1);
    }
    return t;
  }
  std::set<WaitKey>& queue(std::uint32_t request) {
    const std::size_t t = by_tenant_ ? tenant(request) : 0;
    if (t >= queues_.size()) queues_.resize(t + 1);
    return queues_[t];
  }

  const Trace& trace_;
  bool by_tenant_;
  std::vector<std::set<WaitKey>> queues_;
  std::vector<std::uint64_t> served_;
  std::vector<std::uint32_t> active_, decodes_;
  std::uint32_t size_ = 0;
};

}  // namespace stateutils::kv
