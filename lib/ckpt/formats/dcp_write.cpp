// Writes PyTorch Distributed Checkpoint folders in the form of torch 2.5: every rank holds its rows
// of dimension 0 as small PyTorch archives in one file, `.metadata` says where.
#include <algorithm>
#include <map>

#include "ckpt/formats/torch_pieces.hpp"
#include "ckpt/formats/write_options.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

constexpr const char* kMetadataModule = "torch.distributed.checkpoint.metadata";

struct Chunk {
  std::size_t tensor;
  Shape offsets, sizes;
  std::uint64_t rank, offset, length;  // where it is stored
};

std::string file_name(std::uint64_t rank) {
  return "__" + std::to_string(rank) + "_0.distcp";
}

// Rows of a tensor on every rank: ceil(rows / ranks) each, the rest fewer or none.
std::vector<Chunk> cut(const TargetTensor& tensor, std::size_t index, std::uint64_t ranks) {
  const Shape zeros(tensor.shape.size(), 0);
  if (tensor.shape.empty() || tensor.bytes->size() == 0)
    return {{index, zeros, tensor.shape, 0, 0, 0}};
  const std::uint64_t rows = tensor.shape[0], part = (rows + ranks - 1) / ranks;
  std::vector<Chunk> chunks;
  for (std::uint64_t rank = 0; rank * part < rows; ++rank) {
    Chunk chunk{index, zeros, tensor.shape, rank, 0, 0};
    chunk.offsets[0] = rank * part;
    chunk.sizes[0] = std::min(part, rows - rank * part);
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

OutputPlan chunk_plan(const TargetTensor& tensor, const Chunk& chunk) {
  const std::uint64_t rows = tensor.shape.empty() ? 1 : tensor.shape[0];
  const std::uint64_t row = rows == 0 ? 0 : tensor.bytes->size() / rows;
  const std::uint64_t first = chunk.offsets.empty() ? 0 : chunk.offsets[0] * row;
  const std::uint64_t size = chunk.sizes.empty() ? tensor.bytes->size() : chunk.sizes[0] * row;
  TorchBuilder file("archive");
  file.tensor(tensor.dtype, chunk.sizes, sub_file(tensor.bytes, first, size));
  return file.finish("");
}

class MetadataWriter {
 public:
  MetadataWriter(const Target& target, const std::vector<Chunk>& chunks)
      : target_(target), chunks_(chunks) {}

  std::string run() {
    begin_record(kMetadataModule, "Metadata");
    tensors();
    // Where flattened names come from: every name is a key of its own.
    pickle_.string("planner_data").begin_dict();
    for (const TargetTensor& tensor : target_.tensors) {
      pickle_.string(tensor.name).begin_tuple().string(tensor.name).end_tuple();
    }
    pickle_.end_dict();
    storage();
    pickle_.string("storage_meta").none();
    end_record();
    return pickle_.finish();
  }

 private:
  void begin_record(const char* module, const char* name) {
    pickle_.global(module, name).raw(")\x81").begin_dict();
  }
  void end_record() { pickle_.end_dict().raw("b"); }
  void size(const Shape& shape) { pickle_.global("torch", "Size").sizes(shape).raw("\x85R"); }

  void tensors() {
    std::map<std::size_t, std::vector<const Chunk*>> of_tensor;
    for (const Chunk& chunk : chunks_) of_tensor[chunk.tensor].push_back(&chunk);
    pickle_.string("state_dict_metadata").begin_dict();
    for (const auto& [index, list] : of_tensor) {
      pickle_.string(target_.tensors[index].name);
      begin_record(kMetadataModule, "TensorStorageMetadata");
      pickle_.string("properties");
      properties(target_.tensors[index]);
      pickle_.string("size");
      size(target_.tensors[index].shape);
      pickle_.string("chunks").begin_list();
      for (const Chunk* chunk : list) {
        begin_record(kMetadataModule, "ChunkStorageMetadata");
        pickle_.string("offsets");
        size(chunk->offsets);
        pickle_.string("sizes");
        size(chunk->sizes);
        end_record();
      }
      pickle_.end_list();
      end_record();
    }
    pickle_.end_dict();
  }

  // TensorProperties.__getstate__: (dtype, layout, requires_grad, memory format, pin_memory).
  void properties(const TargetTensor& tensor) {
    const std::string_view dtype = torch_dtype_name(tensor.dtype);
    if (dtype.empty()) {
      throw core::usage_error("PyTorch has no dtype for tensor " + core::quoted(tensor.name) +
                              " (" + std::string(dtype_name(tensor.dtype)) + ")");
    }
    pickle_.global(kMetadataModule, "TensorProperties").raw(")\x81").begin_tuple();
    pickle_.global("torch", dtype);
    pickle_.global("torch.serialization", "_get_layout").begin_tuple();
    pickle_.string("torch.strided").end_tuple().raw("R").boolean(false);
    pickle_.global("__builtin__", "getattr").begin_tuple();
    pickle_.global(kMetadataModule, "_MEM_FORMAT_ENCODING").string("TORCH_CONTIGUOUS_FORMAT");
    pickle_.end_tuple().raw("R").boolean(false).end_tuple().raw("b");
  }

  void storage() {
    pickle_.string("storage_data").begin_dict();
    std::size_t last_tensor = target_.tensors.size();
    std::int64_t index = 0;
    for (const Chunk& chunk : chunks_) {
      index = chunk.tensor == last_tensor ? index + 1 : 0;
      last_tensor = chunk.tensor;
      begin_record(kMetadataModule, "MetadataIndex");
      pickle_.string("fqn").string(target_.tensors[chunk.tensor].name).string("offset");
      size(chunk.offsets);
      pickle_.string("index").integer(index);
      end_record();
      begin_record("torch.distributed.checkpoint.filesystem", "_StorageInfo");
      pickle_.string("relative_path").string(file_name(chunk.rank));
      pickle_.string("offset").integer(static_cast<std::int64_t>(chunk.offset));
      pickle_.string("length").integer(static_cast<std::int64_t>(chunk.length));
      end_record();
    }
    pickle_.end_dict();
  }

  const Target& target_;
  const std::vector<Chunk>& chunks_;
  PickleWriter pickle_;
};

}  // namespace

std::vector<OutputPlan> plan_dcp(const Target& target, const WriteOptions& options) {
  std::vector<Chunk> chunks;
  std::map<std::uint64_t, std::vector<OutputPlan>> files;
  std::map<std::uint64_t, std::uint64_t> sizes;
  for (std::size_t i = 0; i < target.tensors.size(); ++i) {
    for (Chunk& chunk : cut(target.tensors[i], i, options.ranks)) {
      OutputPlan plan = chunk_plan(target.tensors[i], chunk);
      chunk.offset = sizes[chunk.rank];
      chunk.length = plan.size();
      sizes[chunk.rank] += chunk.length;
      files[chunk.rank].push_back(std::move(plan));
      chunks.push_back(std::move(chunk));
    }
  }
  std::vector<OutputPlan> plans;
  for (auto& [rank, parts] : files) {
    plans.push_back(join_plans(std::move(parts)));
    plans.back().name = file_name(rank);
  }
  OutputPlan metadata{.name = ".metadata", .closing = true};
  metadata.literal(MetadataWriter(target, chunks).run());
  plans.push_back(std::move(metadata));
  return plans;
}

}  // namespace stateutils::ckpt
