#include "ckpt/formats/layout.hpp"

#include <map>
#include <unordered_map>

#include "ckpt/formats/open.hpp"
#include "ckpt/ucp/layout.hpp"
#include "ckpt/ucp/patterns.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

class LayoutReader {
 public:
  LayoutReader(const std::string& folder, const std::string& layout, const ReadOptions& options)
      : folder_(folder), path_(layout), options_(options) {
    options_.layout.clear();
    options_.from.clear();
    catalogue_.source = folder;
    catalogue_.files.push_back(layout);
  }

  Catalogue run() {
    for (const LayoutTensor& tensor : read_layout(path_)) add(tensor);
    check_unique_names(catalogue_);
    return std::move(catalogue_);
  }

 private:
  using Locals = std::unordered_map<std::string, Tensor>;

  [[noreturn]] void fail(const LayoutTensor& tensor, const std::string& message) const {
    throw core::input_error({path_}, "tensor " + core::quoted(tensor.name) + ": " + message);
  }

  const Locals& open(const std::string& name) {
    const auto [file, fresh] = files_.try_emplace(name);
    if (!fresh) return file->second;
    Catalogue part = open_checkpoint(folder_ + '/' + name, options_);
    if (catalogue_.format.empty()) catalogue_.format = part.format;
    for (Tensor& tensor : part.tensors) file->second.emplace(tensor.name, tensor);
    catalogue_.files.insert(catalogue_.files.end(), part.files.begin(), part.files.end());
    catalogue_.sums.insert(catalogue_.sums.end(), part.sums.begin(), part.sums.end());
    catalogue_.findings.insert(catalogue_.findings.end(), part.findings.begin(),
                               part.findings.end());
    for (auto& entry : part.metadata) {
      if (known_metadata_.emplace(entry.first, true).second)
        catalogue_.metadata.push_back(std::move(entry));
    }
    return file->second;
  }

  // The part of a file's tensor that a piece names, as a tensor of its own.
  Tensor part_of(const LayoutTensor& tensor, const LayoutPiece& piece) {
    const Locals& locals = open(piece.file);
    const auto found = locals.find(piece.name);
    if (found == locals.end())
      fail(tensor, "no tensor " + core::quoted(piece.name) + " in " + piece.file);
    const Tensor& local = found->second;
    if (local.shape.size() != piece.at.size())
      fail(tensor, "its slice in " + piece.file + " has another rank");
    for (std::size_t d = 0; d < piece.at.size(); ++d) {
      if (piece.at[d] + piece.box.size[d] > local.shape[d])
        fail(tensor, "a piece passes the end of its slice in " + piece.file);
    }
    Tensor part{.name = tensor.name, .dtype = local.dtype, .shape = piece.box.size};
    for (const Piece& source : local.pieces) {
      const Box common = intersect({source.offset, source.size}, {piece.at, piece.box.size});
      if (common.empty()) continue;
      Piece moved = source;
      moved.size = common.size;
      for (std::size_t d = 0; d < common.offset.size(); ++d) {
        moved.at += (common.offset[d] - source.offset[d]) * source.strides[d];
        moved.offset[d] = common.offset[d] - piece.at[d];
      }
      part.pieces.push_back(std::move(moved));
    }
    return part;
  }

  static void place(const Tensor& part, const Box& box, std::vector<Piece>& into) {
    for (Piece piece : part.pieces) {
      for (std::size_t d = 0; d < piece.offset.size(); ++d) piece.offset[d] += box.offset[d];
      into.push_back(std::move(piece));
    }
  }

  void add(const LayoutTensor& wanted) {
    if (wanted.pieces.empty()) fail(wanted, "it has no pieces");
    Tensor tensor{.name = wanted.name, .shape = wanted.shape};
    std::map<std::pair<Shape, Shape>, std::vector<Tensor>> averages;
    bool first = true;
    for (const LayoutPiece& piece : wanted.pieces) {
      Tensor part = part_of(wanted, piece);
      if (first) tensor.dtype = part.dtype;
      first = false;
      if (part.dtype != tensor.dtype) fail(wanted, "its pieces differ in dtype");
      if (item_bytes(part.dtype) == 0) fail(wanted, "elements below a byte cannot be cut");
      if (piece.kind == LayoutKind::kAverage) {
        averages[{piece.box.offset, piece.box.size}].push_back(std::move(part));
      } else {
        place(part, piece.box, piece.kind == LayoutKind::kSlice ? tensor.pieces : tensor.replicas);
      }
    }
    if (!tensor_bytes(tensor.dtype, tensor.shape)) fail(wanted, "its size overflows");
    for (const auto& [box, parts] : averages) {
      const UnionRule rule{.kind = Union::kAverage};
      place(join_slices(parts, rule, std::nullopt), {box.first, box.second}, tensor.pieces);
    }
    check_cover(tensor);
    catalogue_.tensors.push_back(std::move(tensor));
  }

  std::string folder_, path_;
  ReadOptions options_;
  Catalogue catalogue_;
  std::map<std::string, Locals> files_;
  std::unordered_map<std::string, bool> known_metadata_;
};

}  // namespace

Catalogue open_layout(const std::string& folder, const std::string& layout,
                      const ReadOptions& options) {
  return LayoutReader(folder, layout, options).run();
}

}  // namespace stateutils::ckpt
