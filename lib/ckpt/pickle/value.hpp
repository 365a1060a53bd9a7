// What a pickle describes, as plain data: a graph of small objects in one heap.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/model/dtype.hpp"

namespace stateutils::ckpt {

using Ref = std::uint32_t;  // index of an object in its heap; 0 is None

enum class Kind : std::uint8_t {
  kNone,
  kBool,
  kInt,
  kBigInt,  // text: little-endian two's complement bytes
  kFloat,
  kString,
  kBytes,
  kList,
  kTuple,
  kDict,  // items: key, value, key, value ...
  kSet,
  kClass,    // a global; integer: its Meaning, text: "module.name"
  kStorage,  // integer: index into Heap::storages
  kTensor,   // integer: index into Heap::tensors
  kDType,    // a torch dtype; integer: DType
  kRecord,   // type: its class; items: constructor arguments; state: a dict, tuple or None
  kArray,    // numpy array: type: its dtype record; items: {shape}; text: raw bytes
  kOpaque    // dropped by --opaque drop
};

struct Object {
  Kind kind = Kind::kNone;
  bool flag = false;  // kDict: an OrderedDict; kSet: frozen; kArray: Fortran order
  Ref type = 0;
  Ref state = 0;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text{};
  std::vector<Ref> items{};
};

struct StorageRef {
  std::string_view key;
  std::optional<DType> dtype;  // empty: an UntypedStorage, numel counts bytes
  std::uint64_t numel = 0;
};

// A strided view of a storage; offset and strides in elements, already checked to lie inside.
struct TensorView {
  Ref storage = 0;
  DType dtype = DType::kF32;
  std::uint64_t offset = 0;
  Shape shape, strides;
  bool requires_grad = false;
};

// Owns every object of one pickle. Its memory is accounted and limited.
class Heap {
 public:
  explicit Heap(std::uint64_t memory_limit, std::uint64_t object_limit = 50'000'000);

  Ref add(Object object);
  [[nodiscard]] Object& at(Ref ref) { return objects_[ref]; }
  [[nodiscard]] const Object& at(Ref ref) const { return objects_[ref]; }
  [[nodiscard]] std::size_t size() const { return objects_.size(); }
  void append(Ref container, Ref item);
  // Keeps a copy of text that is not part of the pickle's own bytes.
  std::string_view keep(std::string text);
  void charge(std::uint64_t bytes);  // throws when the limit is passed

  Ref integer(std::int64_t value);
  Ref string(std::string_view text);  // `text` must outlive the heap: use keep()

  // Look-up of a string key in a dict, or a field in a record's state; nullptr when absent.
  [[nodiscard]] const Object* find(const Object& holder, std::string_view key) const;
  [[nodiscard]] const Object* find(Ref holder, std::string_view key) const {
    return find(at(holder), key);
  }
  [[nodiscard]] const Object& item(const Object& holder, std::size_t index) const {
    return at(holder.items[index]);
  }

  std::vector<StorageRef> storages;
  std::vector<TensorView> tensors;

 private:
  std::deque<Object> objects_;
  std::deque<std::string> texts_;
  std::uint64_t limit_, object_limit_, used_ = 0;
};

// The number of an integer-like object (bool and numpy scalars included); empty otherwise.
[[nodiscard]] std::optional<std::int64_t> as_integer(const Object& object);
// Unsigned sizes: negative numbers are empty.
[[nodiscard]] std::optional<std::uint64_t> as_size(const Object& object);
[[nodiscard]] std::optional<double> as_number(const Object& object);
// A list or tuple of sizes; empty when it is anything else.
[[nodiscard]] std::optional<Shape> as_shape(const Heap& heap, const Object& object);
// Decimal digits of a kBigInt.
[[nodiscard]] std::string big_decimal(std::string_view little_endian);

}  // namespace stateutils::ckpt
