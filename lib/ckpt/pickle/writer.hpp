// Writes pickles of protocol 2 in the form torch.save uses, loadable with weights_only=True as
// long as no data-only record is among the values.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ckpt/pickle/value.hpp"

namespace stateutils::ckpt {

// A dense tensor in the file being written.
struct PickledTensor {
  std::string_view key;  // of its storage
  DType dtype = DType::kF32;
  Shape shape;
  bool requires_grad = false;
};

class PickleWriter {
 public:
  PickleWriter();

  // Pieces to put a value together by hand; containers are opened and closed by the caller.
  PickleWriter& raw(std::string_view opcodes);
  PickleWriter& none();
  PickleWriter& boolean(bool value);
  PickleWriter& integer(std::int64_t value);
  PickleWriter& real(double value);
  PickleWriter& string(std::string_view utf8);
  PickleWriter& bytes(std::string_view data);
  PickleWriter& global(std::string_view module, std::string_view name);
  PickleWriter& tensor(const PickledTensor& tensor);
  PickleWriter& sizes(const Shape& shape);  // a tuple of integers
  PickleWriter& begin_dict();               // items follow as key, value
  PickleWriter& end_dict();
  PickleWriter& begin_list();
  PickleWriter& end_list();
  PickleWriter& begin_tuple();
  PickleWriter& end_tuple();

  // A whole decoded value; `tensor_of` says what stands for a kTensor object (by its Ref), nullptr
  // drops it to None. Shared containers stay shared.
  void value(const Heap& heap, Ref ref, const std::function<const PickledTensor*(Ref)>& tensor_of);

  [[nodiscard]] std::string finish();  // adds STOP

 private:
  struct Context;
  void put_memo(std::uint32_t index);
  void get_memo(std::uint32_t index);
  void object(const Context& context, Ref ref, int depth);
  void objects(const Context& context, const std::vector<Ref>& items, int depth);
  void shared_container(const Context& context, Ref ref, int depth);
  void scalar(const Object& object);
  void record(const Context& context, const Object& object, int depth);
  void array(const Context& context, const Object& object, int depth);
  void class_name(std::string_view full);

  std::string out_;
  std::uint32_t next_memo_ = 0;
  std::unordered_map<std::string, std::uint32_t> globals_;
};

}  // namespace stateutils::ckpt
