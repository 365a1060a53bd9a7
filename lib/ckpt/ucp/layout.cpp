#include "ckpt/ucp/layout.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::pair<const char*, LayoutKind> kKinds[] = {{"slice", LayoutKind::kSlice},
                                                         {"replica", LayoutKind::kReplica},
                                                         {"average", LayoutKind::kAverage}};

class RankReader {
 public:
  explicit RankReader(const std::string& path) : path_(path) {}

  Layout run() {
    const nlohmann::json document = core::load_json(path_);
    if (!document.is_object() || document.value("version", nlohmann::json()) != 1)
      fail("no layout of version 1");
    const auto tensors = document.find("tensors");
    if (tensors == document.end() || !tensors->is_object()) fail("no object `tensors`");
    Layout layout;
    for (const auto& [name, entry] : tensors->items()) layout.push_back(tensor(name, entry));
    return layout;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw core::input_error({path_}, message);
  }
  [[noreturn]] void fail(const LayoutTensor& tensor, const std::string& message) const {
    fail("tensor " + core::quoted(tensor.name) + ": " + message);
  }

  LayoutTensor tensor(const std::string& name, const nlohmann::json& entry) const {
    LayoutTensor made{.name = name};
    if (!entry.is_object() || !entry.contains("pieces") || !entry["pieces"].is_array())
      fail(made, "no list `pieces`");
    made.shape = sizes(made, entry, "shape", nullptr);
    if (!element_count(made.shape)) fail(made, "its size overflows");
    for (const nlohmann::json& piece : entry["pieces"])
      made.pieces.push_back(read_piece(made, piece));
    check(made);
    return made;
  }
  Shape sizes(const LayoutTensor& tensor, const nlohmann::json& holder, const char* key,
              const Shape* fallback) const {
    const auto found = holder.find(key);
    if (found == holder.end() && fallback != nullptr) return *fallback;
    if (found == holder.end() || !found->is_array())
      fail(tensor, "no list `" + std::string(key) + "`");
    Shape out;
    for (const nlohmann::json& size : *found) {
      if (!size.is_number_unsigned())
        fail(tensor, "`" + std::string(key) + "` is no list of sizes");
      out.push_back(size.get<std::uint64_t>());
    }
    return out;
  }
  std::string text(const LayoutTensor& tensor, const nlohmann::json& holder, const char* key,
                   const std::string& fallback) const {
    const auto found = holder.find(key);
    if (found == holder.end()) return fallback;
    if (!found->is_string()) fail(tensor, "`" + std::string(key) + "` is no string");
    return found->get<std::string>();
  }

  LayoutPiece read_piece(const LayoutTensor& tensor, const nlohmann::json& entry) const {
    if (!entry.is_object()) fail(tensor, "a piece is no object");
    const Shape zeros(tensor.shape.size(), 0);
    LayoutPiece piece{.file = text(tensor, entry, "file", ""),
                      .name = text(tensor, entry, "name", tensor.name)};
    piece.box.offset = sizes(tensor, entry, "offset", &zeros);
    piece.box.size = sizes(tensor, entry, "size", &tensor.shape);
    piece.at = sizes(tensor, entry, "at", &zeros);
    const bool plain = !piece.file.empty() && piece.file.find('/') == std::string::npos &&
                       piece.file != "." && piece.file != "..";
    if (!plain) fail(tensor, "file " + core::quoted(piece.file) + " is not a plain file name");
    const std::string kind = text(tensor, entry, "kind", "slice");
    bool known = false;
    for (const auto& [name, value] : kKinds) {
      if (kind != name) continue;
      piece.kind = value;
      known = true;
    }
    if (!known) fail(tensor, "a piece of kind " + core::quoted(kind));
    return piece;
  }

  // Slices, and every box that is averaged once, are the whole tensor; all boxes lie inside it.
  void check(const LayoutTensor& tensor) const {
    Tensor whole{.name = tensor.name, .dtype = DType::kU8, .shape = tensor.shape};
    std::map<std::pair<Shape, Shape>, bool> averaged;
    for (const LayoutPiece& piece : tensor.pieces) {
      const std::size_t rank = tensor.shape.size();
      if (piece.box.offset.size() != rank || piece.box.size.size() != rank ||
          piece.at.size() != rank)
        fail(tensor, "a piece has another rank");
      for (std::size_t d = 0; d < rank; ++d) {
        const std::uint64_t size = tensor.shape[d];
        if (piece.box.offset[d] > size || piece.box.size[d] > size - piece.box.offset[d])
          fail(tensor, "a piece lies outside the shape");
        if (piece.at[d] > UINT64_MAX - piece.box.size[d]) fail(tensor, "`at` is out of range");
      }
      const bool again =
          piece.kind == LayoutKind::kAverage &&
          !averaged.emplace(std::pair{piece.box.offset, piece.box.size}, true).second;
      if (piece.kind == LayoutKind::kReplica || again) continue;
      whole.pieces.push_back({.offset = piece.box.offset, .size = piece.box.size});
    }
    try {
      check_cover(whole);
    } catch (const core::Error& error) {
      fail(error.what());
    }
  }

  const std::string& path_;
};

}  // namespace

Layout read_layout(const std::string& path) {
  return RankReader(path).run();
}

std::string layout_text(const Layout& layout) {
  nlohmann::ordered_json tensors = nlohmann::ordered_json::object();
  for (const LayoutTensor& tensor : layout) {
    nlohmann::ordered_json pieces = nlohmann::ordered_json::array();
    for (const LayoutPiece& piece : tensor.pieces) {
      nlohmann::ordered_json entry{{"file", piece.file}};
      if (piece.name != tensor.name) entry["name"] = piece.name;
      entry["offset"] = piece.box.offset;
      entry["size"] = piece.box.size;
      entry["at"] = piece.at;
      for (const auto& [name, kind] : kKinds) {
        if (kind == piece.kind) entry["kind"] = name;
      }
      pieces.push_back(std::move(entry));
    }
    tensors[tensor.name] = {{"shape", tensor.shape}, {"pieces", std::move(pieces)}};
  }
  return nlohmann::ordered_json{{"version", 1}, {"tensors", std::move(tensors)}}.dump(1) + '\n';
}

}  // namespace stateutils::ckpt
