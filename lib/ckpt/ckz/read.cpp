#include "ckpt/ckz/read.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>

#include "ckpt/ckz/layout.hpp"
#include "ckpt/formats/open.hpp"
#include "ckpt/formats/safetensors.hpp"
#include "ckpt/ops/scan.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

using namespace ckz;

// A decoder and its room, lent to one reading thread at a time.
struct Unpacker {
  ChunkCoder coder;
  std::array<Buffer, kMaxPlanes> stored{};
  Buffer base;
};

class Workers {
 public:
  std::unique_ptr<Unpacker> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto worker = std::move(idle_.back());
        idle_.pop_back();
        return worker;
      }
    }
    return std::make_unique<Unpacker>();
  }
  void give(std::unique_ptr<Unpacker> worker) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(worker));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Unpacker>> idle_;
};

struct Segment {
  std::vector<Codec> codecs{};
  std::vector<std::uint64_t> ends{};  // [plane * (chunks + 1) + chunk]: offsets in the file
  std::array<bool, kMaxPlanes> framed{};
};

// A decoded chunk.
struct Kept {
  std::uint64_t index = 0;
  Buffer bytes;
};

// The base tensor, hashed when it is first needed.
struct Base {
  ByteFilePtr bytes;
  std::string path;
};

class CkzTensor final : public ByteFile {
 public:
  CkzTensor(TensorHead head, ByteFilePtr file, std::shared_ptr<Workers> workers,
            std::vector<Segment> segments, std::optional<Base> base)
      : head_(std::move(head)),
        kind_(ChunkKind::of(head_.dtype)),
        file_(std::move(file)),
        workers_(std::move(workers)),
        segments_(std::move(segments)),
        base_(std::move(base)),
        size_(head_.bytes()) {}

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    if (offset > size_ || size > size_ - offset) {
      throw core::input_error({name(), std::nullopt, offset}, "read past the end of a tensor");
    }
    auto* to = static_cast<char*>(data);
    while (size > 0) {
      const std::uint64_t index = offset / head_.chunk, skip = offset % head_.chunk;
      const std::uint64_t length = head_.chunk_bytes(index);
      const std::uint64_t part = std::min(size, length - skip);
      if (part == length) {
        decode(index, {to, length});
      } else {
        copy_part(index, skip, part, to);
      }
      to += part;
      offset += part;
      size -= part;
    }
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return file_->name(); }
  [[nodiscard]] const char* operation() const override { return "decompress"; }

 private:
  [[nodiscard]] core::Error wrong(const std::string& what) const {
    return core::input_error({name()}, "tensor " + core::quoted(head_.name) + ": " + what);
  }

  // Blocks of a reader rarely end where chunks do: the chunk at the seam is kept for the next.
  void copy_part(std::uint64_t index, std::uint64_t skip, std::uint64_t part, char* to) const {
    {
      const std::lock_guard lock(mutex_);
      if (kept_ && kept_->index == index) {
        std::memcpy(to, kept_->bytes.data() + skip, part);
        return;
      }
    }
    auto chunk = std::make_shared<Kept>();
    chunk->index = index;
    const std::uint64_t length = head_.chunk_bytes(index);
    decode(index, {chunk->bytes.room(length), length});
    std::memcpy(to, chunk->bytes.data() + skip, part);
    const std::lock_guard lock(mutex_);
    kept_ = std::move(chunk);
  }

  void decode(std::uint64_t index, std::span<char> out) const {
    const Segment& segment = segments_[index / kSegmentChunks];
    const std::uint64_t local = index % kSegmentChunks, columns = segment.codecs.size() + 1;
    auto worker = workers_->take();
    std::array<ChunkCoder::Stored, kMaxPlanes> planes{};
    for (unsigned p = 0; p < kind_.planes; ++p) {
      const std::uint64_t first = segment.ends[p * columns + local];
      const std::uint64_t length = segment.ends[p * columns + local + 1] - first;
      char* room = worker->stored[p].room(length);
      if (length > 0) file_->read_at(first, room, length);
      planes[p] = {{room, length}, segment.framed[p]};
    }
    std::span<const char> base;
    if (needs_base(segment.codecs[local])) {
      require_base();
      char* room = worker->base.room(out.size());
      base_->bytes->read_at(index * head_.chunk, room, out.size());
      base = {room, out.size()};
    }
    const char* problem = worker->coder.decode(kind_, segment.codecs[local],
                                               {planes.data(), kind_.planes}, base, out);
    if (problem != nullptr) throw wrong("chunk " + std::to_string(index) + " is " + problem);
    workers_->give(std::move(worker));
  }

  void require_base() const {
    if (!base_) throw wrong("compressed against another checkpoint: give it with --base");
    std::call_once(base_checked_, [this] {
      if (hash_of(*base_->bytes, 0, base_->bytes->size()) != *head_.base) {
        throw core::input_error({base_->path}, "tensor " + core::quoted(head_.name) +
                                                   ": not the base that " + name() +
                                                   " was compressed against");
      }
    });
  }

  TensorHead head_;
  ChunkKind kind_;
  ByteFilePtr file_;
  std::shared_ptr<Workers> workers_;
  std::vector<Segment> segments_;
  std::optional<Base> base_;
  std::uint64_t size_;
  mutable std::once_flag base_checked_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Kept> kept_;
};

// Streams by name; every one must belong to a tensor.
class Opener {
 public:
  Opener(const ByteFilePtr& file, const ReadOptions& options) : file_(file), options_(options) {
    parsed_ = read_safetensors(*file, options.max_memory);
    for (const TensorInfo& entry : parsed_.tensors) streams_.emplace(entry.name, &entry);
  }

  Catalogue open() {
    Catalogue catalogue{.format = "ckz", .source = file_->name()};
    catalogue.files.push_back(file_->name());
    Metadata others;
    for (auto& [key, value] : parsed_.metadata) {
      if (key == kMetadataKey) {
        add_tensors(value, catalogue);
      } else {
        others.emplace_back(key, value);
      }
    }
    catalogue.metadata = restore_tied(catalogue, 0, std::move(others));
    if (used_ != parsed_.tensors.size()) throw wrong("", "streams that belong to no tensor");
    return catalogue;
  }

 private:
  [[nodiscard]] core::Error wrong(const std::string& name, const std::string& what) const {
    const std::string subject = name.empty() ? "" : "tensor " + core::quoted(name) + ": ";
    return core::input_error({file_->name()}, subject + what);
  }

  void add_tensors(const std::string& text, Catalogue& catalogue) {
    constexpr std::uint64_t kNodesPerByte = 16;  // a parsed document beside its text
    if (text.size() > options_.max_memory / kNodesPerByte) {
      throw wrong("", "the header needs more than --max-memory");
    }
    if (!options_.base.empty()) load_base();
    const auto workers = std::make_shared<Workers>();
    for (TensorHead& head : parse_heads(text, file_->name())) {
      std::vector<Segment> segments = read_segments(head);
      std::optional<Base> base = base_of(head);
      std::string name = head.name;
      const DType dtype = head.dtype;
      const Shape shape = head.shape;
      const core::Hash128 hash = head.hash;
      const auto bytes = std::make_shared<CkzTensor>(std::move(head), file_, workers,
                                                     std::move(segments), std::move(base));
      catalogue.sums.push_back({bytes, 0, bytes->size(), 0, name, hash});
      catalogue.tensors.push_back(dense_tensor(std::move(name), dtype, shape, bytes, 0));
    }
  }

  const TensorInfo& stream(const TensorHead& head, std::uint64_t index) {
    const auto found = streams_.find(stream_name(head.name, index));
    if (found == streams_.end()) {
      throw wrong(head.name, "stream " + std::to_string(index) + " is missing");
    }
    if (found->second->dtype != DType::kU8) throw wrong(head.name, "a stream is not U8");
    ++used_;
    return *found->second;
  }

  std::vector<Segment> read_segments(const TensorHead& head) {
    const ChunkKind kind = ChunkKind::of(head.dtype);
    const std::uint64_t count = head.segments();
    if (count > parsed_.tensors.size()) throw wrong(head.name, "streams are missing");
    std::vector<Segment> segments(count);
    for (std::uint64_t s = 0; s < count; ++s) read_segment(head, kind, s, segments[s]);
    return segments;
  }

  void read_segment(const TensorHead& head, const ChunkKind& kind, std::uint64_t s, Segment& out) {
    const std::uint64_t chunks = head.segment_chunks(s), row = table_row(kind.planes);
    const std::uint64_t first = first_stream(s, kind.planes);
    const TensorInfo& table = stream(head, first);
    if (table.end - table.begin != chunks * row) {
      throw wrong(head.name, "a chunk table of another size");
    }
    const std::string rows = read_text(*file_, parsed_.data_offset + table.begin, chunks * row);
    out.ends.resize(kind.planes * (chunks + 1));
    for (std::uint64_t c = 0; c < chunks; ++c) {
      out.codecs.push_back(static_cast<Codec>(rows[c * row]));
    }
    for (unsigned p = 0; p < kind.planes; ++p) {
      const TensorInfo& plane = stream(head, first + 1 + p);
      std::uint64_t* ends = out.ends.data() + p * (chunks + 1);
      ends[0] = parsed_.data_offset + plane.begin;
      for (std::uint64_t c = 0; c < chunks; ++c) {
        std::uint32_t length = 0;
        std::memcpy(&length, rows.data() + c * row + 1 + 4ull * p, 4);
        if (length > 2 * head.chunk + frame_bound(0)) {
          throw wrong(head.name, "chunk " + std::to_string(c) + " is longer than any chunk");
        }
        ends[c + 1] = ends[c] + length;
      }
      if (ends[chunks] != parsed_.data_offset + plane.end) {
        throw wrong(head.name, "the chunk table does not fit its streams");
      }
      char start[4] = {};
      const std::uint64_t seen = std::min<std::uint64_t>(4, plane.end - plane.begin);
      if (seen > 0) file_->read_at(ends[0], start, seen);
      out.framed[p] = begins_like_a_frame({start, seen});
    }
  }

  void load_base() {
    ReadOptions options = options_;
    options.base.clear();
    options.from.clear();
    base_ = open_checkpoint(options_.base, options);
    require_sound(base_);
    for (const Tensor& tensor : base_.tensors) base_tensors_.emplace(tensor.name, &tensor);
  }

  std::optional<Base> base_of(const TensorHead& head) const {
    if (!head.base || options_.base.empty()) return std::nullopt;
    const auto found = base_tensors_.find(head.name);
    if (found == base_tensors_.end() || found->second->dtype != head.dtype ||
        found->second->shape != head.shape) {
      throw core::input_error({options_.base}, "tensor " + core::quoted(head.name) +
                                                   " is missing or of another shape: not the base "
                                                   "that " +
                                                   file_->name() + " was compressed against");
    }
    return Base{tensor_file(*found->second), options_.base};
  }

  ByteFilePtr file_;
  const ReadOptions& options_;
  SafetensorsHeader parsed_;
  std::unordered_map<std::string, const TensorInfo*> streams_;
  std::size_t used_ = 0;
  Catalogue base_;
  std::unordered_map<std::string, const Tensor*> base_tensors_;
};

}  // namespace

bool is_ckz(const ByteFile& file) {
  // Our writer puts this first; a safetensors file with such metadata elsewhere is read as that.
  constexpr std::string_view kStart = R"({"__metadata__":{"ckz":")";
  if (file.size() < 8 + kStart.size()) return false;
  return read_text(file, 8, kStart.size()) == kStart;
}

Catalogue open_ckz(const ByteFilePtr& file, const ReadOptions& options) {
  Catalogue catalogue = Opener(file, options).open();
  check_unique_names(catalogue);
  return catalogue;
}

}  // namespace stateutils::ckpt
