// The catalogue: what every reader yields and every writer consumes. Tensors are logical; their
// bytes are pieces, axis-aligned boxes that lie strided in some file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ckpt/model/bytes.hpp"
#include "ckpt/model/dtype.hpp"
#include "core/hash.hpp"

namespace stateutils::ckpt {

struct Training;  // of a DeepSpeed or universal checkpoint
class Document;   // the object tree of a pickle, kept for inspection and re-emission

enum class Role : std::uint8_t { kParam, kFp32, kExpAvg, kExpAvgSq, kStep, kBuffer, kOther };
[[nodiscard]] std::string_view role_name(Role role);
[[nodiscard]] std::optional<Role> role_from_name(std::string_view name);

// Box offset/size of the logical tensor. Element index i of the box lies at byte
// `at + sum(i[d] * strides[d])` of `file`.
struct Piece {
  Shape offset{}, size{};
  ByteFilePtr file{};
  std::uint64_t at = 0;
  std::vector<std::uint64_t> strides{};  // bytes

  // Its bytes are one contiguous C-order block.
  [[nodiscard]] bool is_dense(std::uint64_t item) const;
};

struct Tensor {
  std::string name{};
  DType dtype = DType::kF32;
  Shape shape{};
  std::vector<Piece> pieces{};    // disjoint, together the whole tensor
  std::vector<Piece> replicas{};  // must equal what the pieces hold there
  Role role = Role::kParam;
  std::string parameter{};  // of a state: the parameter it belongs to; empty: a plain tensor
  int group = -1;           // parameter group; -1: none
  std::optional<std::size_t> alias_of{};
  std::vector<std::pair<std::string, std::string>> attributes{};  // key, JSON value
  std::shared_ptr<const Tensor> numbers{};  // of quantised blocks: the F32 tensor they stand for

  [[nodiscard]] std::uint64_t bytes() const { return *tensor_bytes(dtype, shape); }
  [[nodiscard]] std::uint64_t elements() const { return *element_count(shape); }
};

// Bytes that carry their own checksum: the CRC-32 of a zip entry, or the XXH3-128 of a tensor.
struct StoredSum {
  ByteFilePtr file;
  std::uint64_t offset = 0, size = 0;
  std::uint32_t crc = 0;
  std::string what;
  std::optional<core::Hash128> hash{};
};

// What a check of the source found: reported by verify, refused by everything else.
struct Finding {
  std::string check, tensor, detail;
};

// Degrees and step of a training checkpoint, where the format knows them.
struct Degrees {
  std::optional<std::uint64_t> tp{}, pp{}, dp{}, zero_stage{}, step{};
};

struct Catalogue {
  std::string format;    // id of section 2: "safetensors", "pt" ...
  std::string source{};  // path as given
  std::vector<Tensor> tensors{};
  std::vector<std::pair<std::string, std::string>> metadata{};  // safetensors' __metadata__
  std::vector<StoredSum> sums{};
  std::vector<Finding> findings{};
  std::vector<std::string> files{};  // every file that was opened
  Degrees degrees{};
  std::shared_ptr<const Document> document{};
  std::shared_ptr<const Training> training{};
  std::uint64_t objects = 0;                         // non-tensor values of the object tree
  std::shared_ptr<const std::string> gguf_values{};  // key-value records as they lie in the file
};

// C-order strides in bytes.
[[nodiscard]] std::vector<std::uint64_t> dense_strides(const Shape& shape, std::uint64_t item);
// One piece that is the whole tensor, dense at `at`. Sub-byte types are one row of bytes.
[[nodiscard]] Piece dense_piece(DType dtype, const Shape& shape, ByteFilePtr file,
                                std::uint64_t at);
[[nodiscard]] Tensor dense_tensor(std::string name, DType dtype, Shape shape, ByteFilePtr file,
                                  std::uint64_t at);

// Refuses (kInput) a name that appears twice.
void check_unique_names(const Catalogue& catalogue);
// Refuses the first finding (kInput): commands other than verify need a sound source.
void require_sound(const Catalogue& catalogue);
// Resolves a chain of aliases to the tensor that holds the bytes.
[[nodiscard]] const Tensor& holder_of(const Catalogue& catalogue, const Tensor& tensor);

}  // namespace stateutils::ckpt
