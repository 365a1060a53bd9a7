#include "ckpt/engine/execute.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "ckpt/engine/open_ended.hpp"
#include "ckpt/engine/placed_writer.hpp"
#include "ckpt/zip/crc32.hpp"
#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

// A filled block of the output with the sums taken over it.
struct Block {
  BlockPool::Block room{};
  std::uint64_t size = 0;
  [[nodiscard]] char* data() const { return room.data.get(); }
  std::vector<std::uint64_t> hashes;  // per 1 MiB
  struct Part {
    std::size_t region;
    std::uint64_t at, size;  // bytes of this block
    std::uint32_t crc;
  };
  std::vector<Part> parts;
  bool ready = false;
};

using Sink = std::function<void(std::uint64_t offset, const char* data, std::uint64_t size)>;

class Pipeline {
 public:
  // `there`: the first bytes of the output, already in place; nullptr: none. `may_stop`: the
  // deadline counts.
  Pipeline(const OutputPlan& plan, const EngineOptions& options, ByteFilePtr there = nullptr,
           bool may_stop = false)
      : plan_(plan),
        options_(options),
        there_(std::move(there)),
        may_stop_(may_stop),
        pool_(options.blocks ? options.blocks : std::make_shared<BlockPool>()),
        total_(plan.size()),
        starts_(plan.starts()),
        crcs_(plan.regions.size()) {
    // Half of the limit for the ring, the rest for what sources and sinks hold.
    block_size_ = kLargestBlock;
    const auto wanted = static_cast<std::uint64_t>(std::max(1, options.threads)) + 2;
    while (block_size_ > kHashBlock && block_size_ * wanted > options.max_memory / 2)
      block_size_ /= 2;
    block_size_ = std::min(
        block_size_, std::max(kHashBlock, (total_ + kHashBlock - 1) / kHashBlock * kHashBlock));
    blocks_ = (total_ + block_size_ - 1) / block_size_;
    slots_ = std::clamp<std::uint64_t>(options.max_memory / 2 / block_size_, 1, wanted);
    slots_ = std::max<std::uint64_t>(1, std::min(slots_, blocks_));
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline() {
    for (Block& block : ring_) {
      if (block.room.data) pool_->give(std::move(block.room));
    }
  }

  // The bytes that are in place afterwards: all, unless the deadline came first.
  std::uint64_t run(const Sink& sink) {
    ring_.resize(slots_);
    const bool inline_only = options_.threads <= 1 || slots_ < 2 || blocks_ < 2;
    const std::uint64_t blocks = inline_only ? run_inline(sink) : run_threads(sink);
    if (blocks < blocks_) return blocks * block_size_;
    check_expected();
    return total_;
  }

  [[nodiscard]] const std::vector<std::uint32_t>& crcs() const { return crcs_; }
  [[nodiscard]] std::vector<std::uint64_t>& hashes() { return hashes_; }

 private:
  std::uint64_t run_inline(const Sink& sink) {
    for (std::uint64_t k = 0; k < blocks_; ++k) {
      fill(k, ring_[0]);
      drain(k, ring_[0], sink);
      if (time_is_up(k)) return k + 1;
    }
    return blocks_;
  }

  std::uint64_t run_threads(const Sink& sink) {
    std::vector<std::jthread> workers;
    const auto count =
        std::min<std::uint64_t>(static_cast<std::uint64_t>(options_.threads), slots_);
    const auto stop = [this] {
      {
        const std::lock_guard lock(mutex_);
        stop_ = true;
      }
      changed_.notify_all();
    };
    try {
      for (std::uint64_t i = 0; i < count; ++i) workers.emplace_back([this] { work(); });
      for (std::uint64_t k = 0; k < blocks_; ++k) {
        Block& block = ring_[k % slots_];
        {
          std::unique_lock lock(mutex_);
          changed_.wait(lock, [&] { return block.ready || failure_; });
          if (failure_) std::rethrow_exception(failure_);
        }
        drain(k, block, sink);
        if (time_is_up(k)) {
          stop();
          return k + 1;
        }
        {
          const std::lock_guard lock(mutex_);
          block.ready = false;
          written_ = k + 1;
        }
        changed_.notify_all();
      }
    } catch (...) {
      stop();
      throw;
    }
    return blocks_;
  }

  // Block k lies in what was there before.
  [[nodiscard]] bool is_there(std::uint64_t k) const {
    return there_ && std::min(total_, (k + 1) * block_size_) <= there_->size();
  }
  [[nodiscard]] bool time_is_up(std::uint64_t k) const {
    return may_stop_ && options_.deadline && k + 1 < blocks_ && !is_there(k) &&
           std::chrono::steady_clock::now() >= *options_.deadline;
  }

  void work() {
    while (true) {
      std::uint64_t k = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] {
          return stop_ || failure_ || next_ >= blocks_ || next_ < written_ + slots_;
        });
        if (stop_ || failure_ || next_ >= blocks_) return;
        k = next_++;
      }
      try {
        fill(k, ring_[k % slots_]);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        changed_.notify_all();
        return;
      }
      {
        const std::lock_guard lock(mutex_);
        ring_[k % slots_].ready = true;
      }
      changed_.notify_all();
    }
  }

  void fill(std::uint64_t k, Block& block) const {
    core::check_stop();
    if (!block.room.data) block.room = pool_->take(block_size_);
    const std::uint64_t first = k * block_size_;
    const std::uint64_t last = std::min(total_, first + block_size_);
    block.size = last - first;
    block.parts.clear();
    block.hashes.clear();
    const bool there = is_there(k);
    if (there) there_->read_at(first, block.data(), block.size);
    auto index =
        static_cast<std::size_t>(std::ranges::upper_bound(starts_, first) - starts_.begin());
    for (index = index == 0 ? 0 : index - 1; index < starts_.size() && starts_[index] < last;
         ++index) {
      const Region& region = plan_.regions[index];
      const std::uint64_t begin = std::max(first, starts_[index]);
      const std::uint64_t end = std::min(last, starts_[index] + region.size);
      if (begin >= end) continue;
      char* const to = block.data() + (begin - first);
      if (!there) {
        region.content->read_at(region.offset + (begin - starts_[index]), to, end - begin);
      }
      const bool wants_crc = region.want_crc || region.expected_crc;
      if (wants_crc || region.expected_hash) {
        const std::uint32_t crc = wants_crc ? crc32(0, to, end - begin) : 0;
        block.parts.push_back({index, begin - first, end - begin, crc});
      }
    }
    for (std::uint64_t at = 0; at < block.size; at += kHashBlock) {
      block.hashes.push_back(
          core::xxh3_64(block.data() + at, std::min(kHashBlock, block.size - at)));
    }
  }

  void drain(std::uint64_t k, Block& block, const Sink& sink) {
    core::check_stop();
    for (const Block::Part& part : block.parts) {
      crcs_[part.region] = crc32_join(crcs_[part.region], part.crc, part.size);
      if (plan_.regions[part.region].expected_hash) check_hash(part, block.data() + part.at);
    }
    hashes_.insert(hashes_.end(), block.hashes.begin(), block.hashes.end());
    if (!is_there(k)) sink(k * block_size_, block.data(), block.size);
    if (options_.progress) options_.progress(std::min(total_, (k + 1) * block_size_));
  }

  // Blocks come in order, and so do the parts of a region.
  void check_hash(const Block::Part& part, const char* data) {
    const Region& region = plan_.regions[part.region];
    hasher_.update(data, part.size);
    if ((hashed_ += part.size) < region.size) return;
    if (hasher_.digest128() != *region.expected_hash) {
      throw core::input_error({region.content->name()}, region.what + " does not match its hash");
    }
    hasher_.reset();
    hashed_ = 0;
  }

  void check_expected() const {
    for (std::size_t i = 0; i < plan_.regions.size(); ++i) {
      const Region& region = plan_.regions[i];
      if (region.expected_crc && *region.expected_crc != crcs_[i]) {
        throw core::input_error({region.content->name()}, region.what + " does not match its CRC");
      }
    }
  }

  const OutputPlan& plan_;
  const EngineOptions& options_;
  ByteFilePtr there_;
  bool may_stop_;
  std::shared_ptr<BlockPool> pool_;
  std::uint64_t total_, block_size_ = 0, blocks_ = 0, slots_ = 1;
  std::vector<std::uint64_t> starts_;
  std::vector<std::uint32_t> crcs_;
  std::vector<std::uint64_t> hashes_;
  core::Xxh3 hasher_;         // of the region with an expected hash that is being written
  std::uint64_t hashed_ = 0;  // bytes of it so far
  std::vector<Block> ring_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0, written_ = 0;
  std::exception_ptr failure_;
  bool stop_ = false;
};

bool is_regular(int fd) {
  struct stat found {};
  return ::fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

}  // namespace

Placed place_plan(const OutputPlan& plan, int fd, const std::string& path, std::uint64_t from,
                  const EngineOptions& options) {
  const std::uint64_t total = plan.size();
  if (plan.tail) return write_open_ended(plan, fd, path, from, options);
  ByteFilePtr there;
  if (from > 0) {
    there = plain_file(path);
    there = sub_file(there, 0, std::min({from, there->size(), total}));
  }
  PlacedWriter writer(fd, path, wants_direct(options.io, total));
  Pipeline pipeline(plan, options, std::move(there), true);
  const std::uint64_t done =
      pipeline.run([&](std::uint64_t offset, const char* data, std::uint64_t size) {
        writer.write(offset, data, size);
      });
  if (done < total) return {.bytes = done, .complete = false};
  if (plan.finish) {
    writer.buffered();
    const std::vector<std::uint64_t> starts = plan.starts();
    for (const Patch& patch : plan.finish(pipeline.crcs())) {
      const std::uint64_t start = starts[patch.region];
      core::pwrite_fully(fd, patch.bytes.data(), patch.bytes.size(), start, path);
      rehash(pipeline.hashes(), fd, path, total, start, patch.bytes.size());
    }
  }
  return {.sum = sum_of(total, pipeline.hashes()), .bytes = total};
}

FileSum write_plan(const OutputPlan& plan, core::OutputFile& file, const EngineOptions& options) {
  if (!is_regular(file.fd())) return stream_plan(plan, file, options);
  EngineOptions whole = options;
  whole.deadline.reset();
  return place_plan(plan, file.fd(), file.path(), 0, whole).sum;
}

FileSum stream_plan(const OutputPlan& plan, core::Output& out, const EngineOptions& options) {
  if (plan.tail) return stream_open_ended(plan, out, options);
  OutputPlan final_plan{.name = plan.name, .regions = plan.regions};
  if (plan.finish) {
    // Checksums come before the data here, so the data is read twice.
    Pipeline first(plan, options);
    first.run([](std::uint64_t, const char*, std::uint64_t) {});
    for (Patch& patch : plan.finish(first.crcs())) {
      Region& region = final_plan.regions[patch.region];
      region = {.content = memory_file(std::move(patch.bytes), "(header)"), .size = region.size};
    }
  }
  Pipeline pipeline(final_plan, options);
  pipeline.run([&](std::uint64_t, const char* data, std::uint64_t size) { out.write(data, size); });
  return sum_of(final_plan.size(), pipeline.hashes());
}

FileSum sum_file(const std::string& path, const EngineOptions& options) {
  OutputPlan plan{.name = ""};
  const ByteFilePtr file = plain_file(path);
  plan.regions.push_back({.content = file, .size = file->size()});
  Pipeline pipeline(plan, options);
  pipeline.run([](std::uint64_t, const char*, std::uint64_t) {});
  return sum_of(file->size(), pipeline.hashes());
}

}  // namespace stateutils::ckpt
