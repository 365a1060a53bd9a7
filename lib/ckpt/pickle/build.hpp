// What REDUCE, NEWOBJ, BUILD and persistent ids mean for the known names.
#pragma once

#include <string>

#include "ckpt/pickle/globals.hpp"
#include "ckpt/pickle/value.hpp"

namespace stateutils::ckpt {

// A reason without its place; the machine adds file and offset.
struct PickleRefused {
  std::string message;
};

class Builder {
 public:
  explicit Builder(Heap& heap) : heap_(heap) {}

  // The object that calling `callee` (a kClass) with the tuple `arguments` stands for.
  Ref call(Ref callee, Ref arguments);
  // BUILD: gives `object` its state.
  void set_state(Ref object, Ref state);
  // ('storage', class, key, location, numel[, view metadata])
  Ref storage(Ref persistent_id);

 private:
  using Arguments = std::vector<Ref>;

  Ref apply(Meaning meaning, Ref callee, const Arguments& arguments);
  Ref rebuild_tensor(const Arguments& arguments, std::size_t version);
  Ref rebuild_parameter(const Arguments& arguments);
  Ref rebuild_from_type(const Arguments& arguments);
  Ref ordered_dict(const Arguments& arguments, std::size_t first, bool ordered);
  Ref collection(Kind kind, bool frozen, const Arguments& arguments);
  Ref encode(const Arguments& arguments);
  Ref byte_array(const Arguments& arguments);
  Ref convert(const Arguments& arguments);
  Ref reconstruct(const Arguments& arguments);
  Ref numpy_array();
  Ref numpy_scalar(const Arguments& arguments);
  Ref enum_member(const Arguments& arguments);
  Ref record(Ref type, const Arguments& arguments);
  void set_array_state(Ref array, Ref state);
  [[nodiscard]] Meaning meaning_of(Ref ref) const;
  [[nodiscard]] const Object& argument(const Arguments& arguments, std::size_t index) const;

  Heap& heap_;
};

}  // namespace stateutils::ckpt
