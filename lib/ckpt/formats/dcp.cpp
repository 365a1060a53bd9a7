#include "ckpt/formats/dcp.hpp"

#include <filesystem>
#include <map>
#include <unordered_map>

#include "ckpt/formats/torch_file.hpp"
#include "ckpt/pickle/document.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"
#include "core/input.hpp"

namespace stateutils::ckpt {
namespace {

// torch/distributed/checkpoint/metadata.py and filesystem.py of PyTorch 2.5.
class DcpReader {
 public:
  DcpReader(const std::string& folder, const ReadOptions& options)
      : folder_(folder),
        path_(folder + "/.metadata"),
        options_(options),
        document_(core::read_file(path_, options.max_memory), path_, options.pickle()) {}

  Catalogue run() {
    catalogue_.format = "dcp";
    catalogue_.source = folder_;
    catalogue_.files.push_back(path_);
    const Heap& heap = document_.heap();
    const Object& tensors =
        require(heap.find(document_.root(), "state_dict_metadata"), "state_dict_metadata");
    read_storage(require(heap.find(document_.root(), "storage_data"), "storage_data"));
    for (std::size_t i = 0; i + 1 < tensors.items.size() && tensors.kind == Kind::kDict; i += 2) {
      const std::string name = key_text(heap, tensors.items[i]);
      const Object& entry = heap.item(tensors, i + 1);
      if (heap.find(entry, "chunks") == nullptr) {
        ++catalogue_.objects;
      } else {
        add_tensor(name, entry);
      }
    }
    check_unique_names(catalogue_);
    return std::move(catalogue_);
  }

 private:
  struct Stored {
    std::string file;
    std::uint64_t offset = 0, length = 0;
  };

  [[noreturn]] void fail(const std::string& message) const {
    throw core::input_error({path_}, message);
  }
  const Object& require(const Object* found, const std::string& what) const {
    if (found == nullptr) fail("no " + what);
    return *found;
  }
  Shape sizes(const Object& holder, std::string_view key) const {
    const auto shape =
        as_shape(document_.heap(), require(document_.heap().find(holder, key), std::string(key)));
    if (!shape) fail(std::string(key) + " is no list of sizes");
    return *shape;
  }

  // MetadataIndex(fqn, offset, index) -> _StorageInfo(relative_path, offset, length)
  void read_storage(const Object& storage) {
    const Heap& heap = document_.heap();
    if (storage.kind != Kind::kDict) fail("storage_data is no dict");
    for (std::size_t i = 0; i + 1 < storage.items.size(); i += 2) {
      const Object &index = heap.item(storage, i), &info = heap.item(storage, i + 1);
      const Object* offset = heap.find(index, "offset");
      if (offset == nullptr || offset->kind == Kind::kNone) continue;  // an object
      Stored stored{
          .file = std::string(require(heap.find(info, "relative_path"), "relative_path").text)};
      const auto at = as_size(require(heap.find(info, "offset"), "offset"));
      const auto length = as_size(require(heap.find(info, "length"), "length"));
      if (!at || !length) fail("a storage range is malformed");
      if (stored.file.empty() || stored.file.find('/') != std::string::npos ||
          stored.file == "..") {
        fail("file " + core::quoted(stored.file) + " is not a plain file name in this directory");
      }
      stored.offset = *at;
      stored.length = *length;
      const std::string name(require(heap.find(index, "fqn"), "fqn").text);
      if (!storage_.emplace(std::pair{name, sizes(index, "offset")}, stored).second) {
        fail("tensor " + core::quoted(name) + " has two chunks at one offset");
      }
    }
  }

  void add_tensor(const std::string& name, const Object& entry) {
    const Heap& heap = document_.heap();
    Tensor tensor{.name = name, .shape = sizes(entry, "size")};
    const Object& chunks = require(heap.find(entry, "chunks"), "chunks");
    bool first = true;
    for (const Ref ref : chunks.items) {
      const Object& chunk = heap.at(ref);
      const Shape offsets = sizes(chunk, "offsets"), extent = sizes(chunk, "sizes");
      if (offsets.size() != tensor.shape.size() || extent.size() != tensor.shape.size()) {
        fail("tensor " + core::quoted(name) + ": a chunk has another rank");
      }
      const Tensor part = read_chunk(name, offsets, extent);
      if (first) tensor.dtype = part.dtype;
      if (part.dtype != tensor.dtype)
        fail("tensor " + core::quoted(name) + ": the chunks differ in dtype");
      first = false;
      Piece piece = part.pieces.front();
      piece.offset = offsets;
      tensor.pieces.push_back(std::move(piece));
    }
    if (!element_count(tensor.shape) || !tensor_bytes(tensor.dtype, tensor.shape))
      fail("a size overflows");
    check_cover(tensor);
    catalogue_.tensors.push_back(std::move(tensor));
  }

  // Each range is a complete small PyTorch file that holds one tensor.
  Tensor read_chunk(const std::string& name, const Shape& offsets, const Shape& extent) {
    const auto found = storage_.find({name, offsets});
    if (found == storage_.end()) fail("tensor " + core::quoted(name) + ": a chunk has no storage");
    const Stored& stored = found->second;
    auto [file, fresh] = files_.try_emplace(stored.file);
    if (fresh) {
      file->second = plain_file(folder_ + '/' + stored.file);
      catalogue_.files.push_back(folder_ + '/' + stored.file);
    }
    const TorchFile torch(sub_file(file->second, stored.offset, stored.length), options_);
    if (torch.root().kind != Kind::kTensor)
      fail("tensor " + core::quoted(name) + ": a chunk holds no tensor");
    Tensor part = torch.tensor(torch.root(), name);
    if (part.shape != extent)
      fail("tensor " + core::quoted(name) + ": a chunk has another shape than its metadata");
    catalogue_.sums.insert(catalogue_.sums.end(), torch.sums().begin(), torch.sums().end());
    catalogue_.findings.insert(catalogue_.findings.end(), torch.findings().begin(),
                               torch.findings().end());
    return part;
  }

  std::string folder_, path_;
  ReadOptions options_;
  Document document_;
  Catalogue catalogue_;
  std::map<std::pair<std::string, Shape>, Stored> storage_;
  std::unordered_map<std::string, ByteFilePtr> files_;
};

}  // namespace

bool is_dcp_folder(const std::string& folder) {
  std::error_code failed;
  return std::filesystem::is_regular_file(folder + "/.metadata", failed);
}

Catalogue open_dcp(const std::string& folder, const ReadOptions& options) {
  return DcpReader(folder, options).run();
}

}  // namespace stateutils::ckpt
