#include "ckpt/ckz/write.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>

#include "ckpt/engine/placed_writer.hpp"
#include "ckpt/formats/safetensors.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt {
namespace {

using namespace ckz;

struct Source {
  ByteFilePtr bytes, base;  // base: null where the tensor has none
};

// Hashes chunks in their order although several threads make them: each waits for its turn. Chunks
// are taken in order, so the one whose turn it is always runs.
class TurnHasher {
 public:
  void update(std::uint64_t turn, std::span<const char> bytes, std::span<const char> base) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return next_ == turn || stopped_; });
    if (stopped_) return;
    lock.unlock();
    bytes_.update(bytes.data(), bytes.size());
    if (!base.empty()) base_.update(base.data(), base.size());
    lock.lock();
    ++next_;
    changed_.notify_all();
  }
  // A chunk failed: nobody waits for it.
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] core::Hash128 bytes_hash() const { return bytes_.digest128(); }
  [[nodiscard]] core::Hash128 base_hash() const { return base_.digest128(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0;
  bool stopped_ = false;
  core::Xxh3 bytes_, base_;
};

// Where coded bytes wait until their segment is written. Its blocks are of large pages and used
// again: fresh small pages for every chunk cost as much time as the coding.
class Shelf {
 public:
  std::span<const char> keep(std::span<const char> bytes) {
    if (bytes.empty()) return {};
    while (block_ < blocks_.size() && blocks_[block_].size - used_ < bytes.size()) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) {
      const std::uint64_t size = (bytes.size() + kBlock - 1) / kBlock * kBlock;
      blocks_.push_back({aligned_buffer(size), size});
    }
    char* const to = blocks_[block_].data.get() + used_;
    std::memcpy(to, bytes.data(), bytes.size());
    used_ += bytes.size();
    return {to, bytes.size()};
  }
  // What was kept is not needed any more.
  void clear() { block_ = used_ = 0; }

 private:
  static constexpr std::uint64_t kBlock = 4u << 20;
  std::vector<BlockPool::Block> blocks_;
  std::size_t block_ = 0;
  std::uint64_t used_ = 0;
};

struct Packer {
  ChunkCoder coder;
  Buffer data, base;
  EncodedChunk coded;
  Shelf shelf;
};

// A coded chunk on the shelf of who coded it.
struct KeptChunk {
  Codec codec = Codec::kRaw;
  std::array<std::span<const char>, kMaxPlanes> planes{};
  std::array<bool, kMaxPlanes> framed{};
};

class CkzCompressor {
 public:
  CkzCompressor(std::vector<TensorHead> heads, std::vector<Source> sources, Metadata metadata,
                std::uint64_t align)
      : heads_(std::move(heads)),
        sources_(std::move(sources)),
        metadata_(std::move(metadata)),
        align_(align) {}

  // The header with the largest sizes that streams can have.
  [[nodiscard]] std::uint64_t header_room() {
    std::vector<TensorInfo> entries;
    std::vector<TensorHead> heads = heads_;
    for (std::size_t i = 0; i < heads.size(); ++i) {
      if (sources_[i].base) heads[i].base.emplace();
      const ChunkKind kind = ChunkKind::of(heads[i].dtype);
      for (std::uint64_t s = 0; s < heads[i].segments(); ++s) {
        const std::uint64_t chunks = heads[i].segment_chunks(s);
        const std::uint64_t index = first_stream(s, kind.planes);
        add_stream(entries, heads[i].name, index, chunks * table_row(kind.planes));
        for (unsigned p = 0; p < kind.planes; ++p) {
          add_stream(entries, heads[i].name, index + 1 + p,
                     chunks * 2 * frame_bound(heads[i].chunk));
        }
      }
    }
    return header(entries, heads).size();
  }

  // Writes segment after segment from byte `at` of the file on, and takes over those that are
  // `there`. The deadline stops it between two, though not before it has coded one: false.
  bool run(std::uint64_t at, const Append& append, const EngineOptions& options,
           const ByteFile* there) {
    entries_.clear();
    workers_.resize(static_cast<std::size_t>(std::max(1, options.threads)));
    bool coded = false;
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      TurnHasher hasher;
      for (std::uint64_t s = 0; s < heads_[i].segments(); ++s) {
        const auto stored = there == nullptr ? std::nullopt : stored_segment(*there, at, i, s);
        if (stored) {
          for_chunks(i, s, hasher, options.threads, {});
          at += copy_segment(*there, at, *stored, append);
          continue;
        }
        there = nullptr;
        const bool late = options.deadline && std::chrono::steady_clock::now() >= *options.deadline;
        if (coded && late) return false;
        encode_segment(i, s, hasher, options.threads);
        write_segment(i, s, append);
        coded = true;
      }
      heads_[i].hash = hasher.bytes_hash();
      if (sources_[i].base) heads_[i].base = hasher.base_hash();
    }
    workers_.clear();
    return true;
  }

  [[nodiscard]] std::string final_header(std::uint64_t room) {
    std::string text = header(entries_, heads_);
    text.append(room - text.size(), ' ');
    const std::uint64_t length = room - 8;
    std::memcpy(text.data(), &length, 8);
    return text;
  }

 private:
  static void add_stream(std::vector<TensorInfo>& entries, const std::string& tensor,
                         std::uint64_t index, std::uint64_t bytes) {
    entries.push_back({.name = stream_name(tensor, index), .dtype = DType::kU8, .shape = {bytes}});
  }

  [[nodiscard]] std::string header(std::vector<TensorInfo>& entries,
                                   const std::vector<TensorHead>& heads) const {
    Metadata metadata{{kMetadataKey, heads_text(heads)}};
    metadata.insert(metadata.end(), metadata_.begin(), metadata_.end());
    return core::safetensors_header_bytes(entries, metadata, align_);
  }

  std::unique_ptr<Packer> take_worker() {
    const std::lock_guard lock(mutex_);
    for (auto& worker : workers_) {
      if (worker) return std::move(worker);
    }
    return std::make_unique<Packer>();
  }
  void give_worker(std::unique_ptr<Packer> worker) {
    const std::lock_guard lock(mutex_);
    const auto free = std::ranges::find_if(workers_, [](const auto& slot) { return !slot; });
    if (free != workers_.end()) *free = std::move(worker);
  }

  void encode_segment(std::size_t tensor, std::uint64_t s, TurnHasher& hasher, int threads) {
    const ChunkKind kind = ChunkKind::of(heads_[tensor].dtype);
    const std::uint64_t count = heads_[tensor].segment_chunks(s);
    for (auto& worker : workers_) {
      if (worker) worker->shelf.clear();
    }
    chunks_.assign(count, {});
    for_chunks(tensor, s, hasher, threads, [&](std::uint64_t c, Packer& worker) {
      worker.coder.encode(kind, worker.data.view(), worker.base.view(), worker.coded);
      chunks_[c].codec = worker.coded.codec;
      for (unsigned p = 0; p < kind.planes; ++p) {
        const EncodedPlane& plane = worker.coded.planes[p];
        chunks_[c].framed[p] = plane.framed;
        chunks_[c].planes[p] =
            worker.shelf.keep(plane.framed ? plane.frame.view() : plane.plain.view());
      }
    });
  }

  // Reads and hashes the chunks of a segment, and does `work` with each if there is any.
  void for_chunks(std::size_t tensor, std::uint64_t s, TurnHasher& hasher, int threads,
                  const std::function<void(std::uint64_t, Packer&)>& work) {
    const TensorHead& head = heads_[tensor];
    const std::uint64_t count = head.segment_chunks(s), first = s * kSegmentChunks;
    core::parallel_for(count, threads, [&](std::uint64_t c) {
      try {
        core::check_stop();
        auto worker = take_worker();
        const std::uint64_t size = head.chunk_bytes(first + c);
        const auto load = [&](const ByteFilePtr& file, Buffer& buffer) {
          file->read_at((first + c) * head.chunk, buffer.room(size), size);
          buffer.set_size(size);
        };
        load(sources_[tensor].bytes, worker->data);
        worker->base.clear();
        if (sources_[tensor].base) load(sources_[tensor].base, worker->base);
        hasher.update(first + c, worker->data.view(), worker->base.view());
        if (work) work(c, *worker);
        give_worker(std::move(worker));
      } catch (...) {
        hasher.stop();
        throw;
      }
    });
  }

  // The sizes of a segment's table and planes where all of it is there at `at`.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> stored_segment(const ByteFile& there,
                                                                         std::uint64_t at,
                                                                         std::size_t tensor,
                                                                         std::uint64_t s) {
    const TensorHead& head = heads_[tensor];
    const unsigned planes = plane_count(head.dtype);
    const std::uint64_t count = head.segment_chunks(s), row = table_row(planes);
    if (at > there.size() || count * row > there.size() - at) return std::nullopt;
    const std::string table = read_text(there, at, count * row);
    std::vector<std::uint64_t> sizes{table.size()};
    std::uint64_t end = at + table.size();
    for (unsigned p = 0; p < planes; ++p) {
      sizes.push_back(0);
      for (std::uint64_t c = 0; c < count; ++c) {
        std::uint32_t length = 0;
        std::memcpy(&length, table.data() + c * row + 1 + 4ull * p, 4);
        sizes.back() += length;
      }
      end += sizes.back();
    }
    if (end > there.size()) return std::nullopt;
    const std::uint64_t index = first_stream(s, planes);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      add_stream(entries_, head.name, index + i, sizes[i]);
    }
    return sizes;
  }
  static std::uint64_t copy_segment(const ByteFile& there, std::uint64_t at,
                                    const std::vector<std::uint64_t>& sizes, const Append& append) {
    const std::uint64_t total = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    for (std::uint64_t done = 0; done < total;) {
      const std::uint64_t part = std::min<std::uint64_t>(kChunk, total - done);
      append(read_text(there, at + done, part).data(), part);
      done += part;
    }
    return total;
  }

  void write_segment(std::size_t tensor, std::uint64_t s, const Append& append) {
    const TensorHead& head = heads_[tensor];
    const unsigned planes = plane_count(head.dtype);
    const std::uint64_t count = head.segment_chunks(s), row = table_row(planes);
    for (unsigned p = 0; p < planes; ++p) make_uniform(count, p);
    std::string table(count * row, '\0');
    std::vector<std::uint64_t> sizes(planes);
    for (std::uint64_t c = 0; c < count; ++c) {
      char* const at = table.data() + c * row;
      at[0] = static_cast<char>(chunks_[c].codec);
      for (unsigned p = 0; p < planes; ++p) {
        const auto length = static_cast<std::uint32_t>(chunks_[c].planes[p].size());
        std::memcpy(at + 1 + 4ull * p, &length, 4);
        sizes[p] += length;
      }
    }
    const std::uint64_t index = first_stream(s, planes);
    add_stream(entries_, head.name, index, table.size());
    append(table.data(), table.size());
    for (unsigned p = 0; p < planes; ++p) {
      add_stream(entries_, head.name, index + 1 + p, sizes[p]);
      for (std::uint64_t c = 0; c < count; ++c) {
        append(chunks_[c].planes[p].data(), chunks_[c].planes[p].size());
      }
    }
  }

  // A stream is wholly raw or wholly frames. A reader tells them by the magic number, so raw bytes
  // that begin with it become frames too.
  void make_uniform(std::uint64_t count, unsigned p) {
    bool frames = false;
    std::string start;
    for (std::uint64_t c = 0; c < count; ++c) {
      frames = frames || chunks_[c].framed[p];
      const auto bytes = chunks_[c].planes[p];
      if (start.size() < 4) start.append(bytes.data(), std::min<std::size_t>(4, bytes.size()));
    }
    if (!frames && !begins_like_a_frame(start)) return;
    auto worker = take_worker();
    for (std::uint64_t c = 0; c < count; ++c) {
      if (chunks_[c].framed[p] || chunks_[c].planes[p].empty()) continue;
      raw_frame(chunks_[c].planes[p], worker->data);
      chunks_[c].planes[p] = worker->shelf.keep(worker->data.view());
      chunks_[c].framed[p] = true;
    }
    give_worker(std::move(worker));
  }

  std::vector<TensorHead> heads_;
  std::vector<Source> sources_;
  Metadata metadata_;
  std::uint64_t align_;
  std::vector<TensorInfo> entries_;  // streams written so far
  std::vector<KeptChunk> chunks_;    // of the segment at hand
  std::mutex mutex_;
  std::vector<std::unique_ptr<Packer>> workers_;
};

std::map<std::string, const Tensor*> by_name(const Catalogue* catalogue) {
  std::map<std::string, const Tensor*> tensors;
  if (catalogue == nullptr) return tensors;
  for (const Tensor& tensor : catalogue->tensors) tensors.emplace(tensor.name, &tensor);
  return tensors;
}

}  // namespace

OutputPlan plan_ckz_delta(const Target& target, const WriteOptions& options, const Catalogue* base,
                          std::uint64_t chunk) {
  const auto bases = by_name(base);
  const std::vector<std::size_t> order = safetensors_order(target, options);
  std::vector<TensorHead> heads;
  std::vector<Source> sources;
  std::uint64_t total = 0;
  for (const std::size_t i : order) {
    const TargetTensor& tensor = target.tensors[i];
    heads.push_back({.name = tensor.name, .dtype = tensor.dtype, .shape = tensor.shape});
    heads.back().chunk = chunk;
    sources.push_back({tensor.bytes, nullptr});
    total += tensor.bytes->size();
    const auto found = bases.find(tensor.name);
    if (found != bases.end() && found->second->dtype == tensor.dtype &&
        found->second->shape == tensor.shape && tensor.bytes->size() > 0) {
      sources.back().base = tensor_file(*found->second);
    }
  }
  Metadata metadata = target.metadata;
  std::erase_if(metadata, [](const auto& entry) { return entry.first == kMetadataKey; });
  add_tied_names(target, order, metadata);
  const auto work = std::make_shared<CkzCompressor>(std::move(heads), std::move(sources),
                                                    std::move(metadata), options.align);
  OutputPlan plan{.name = options.folder ? "model.ckz" : ""};
  const std::uint64_t room = work->header_room();
  plan.regions.push_back({.content = zero_file(room), .size = room});
  plan.tail = [work, room](const Append& append, const EngineOptions& engine,
                           const ByteFile* there) {
    return work->run(room, append, engine, there);
  };
  plan.tail_estimate = total;
  for (const std::size_t i : order) plan.tail_sources.push_back(target.tensors[i].bytes);
  plan.finish = [work, room](const std::vector<std::uint32_t>&) {
    return std::vector<Patch>{{0, work->final_header(room)}};
  };
  return plan;
}

std::vector<OutputPlan> plan_ckz(const Target& target, const WriteOptions& options) {
  std::vector<OutputPlan> plans;
  plans.push_back(plan_ckz_delta(target, options, nullptr));
  return plans;
}

}  // namespace stateutils::ckpt
