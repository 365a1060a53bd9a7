// One decoded pickle that owns its bytes, and walks over its tree.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ckpt/pickle/machine.hpp"

namespace stateutils::ckpt {

class Document {
 public:
  // Decodes `bytes` from `from`; `file` and `base` place errors.
  Document(std::string bytes, const std::string& file, const PickleOptions& options,
           std::uint64_t base = 0);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  [[nodiscard]] const Heap& heap() const { return heap_; }
  [[nodiscard]] Ref root() const { return root_; }
  [[nodiscard]] const Object& root_object() const { return heap_.at(root_); }
  [[nodiscard]] std::uint64_t consumed() const { return consumed_; }

 private:
  std::string bytes_;
  Heap heap_;
  Ref root_ = 0;
  std::uint64_t consumed_ = 0;
};

// Visits the leaves below `start` (tensors and plain values) in object order with their paths:
// dict keys, list indices and record fields joined by '.'. Iterative; a cycle, more than 10
// million paths or nesting past 1000 is kInput. Empty containers are leaves.
void walk_leaves(const Heap& heap, Ref start,
                 const std::function<void(const std::string& path, Ref leaf)>& visit);

// A value as JSON text for inspection: big integers as decimal strings, bytes as {"bytes":N},
// records as {"class":...}, tensors as {"tensor":true}.
[[nodiscard]] std::string value_json(const Heap& heap, Ref value);

// How a dict key appears in a path.
[[nodiscard]] std::string key_text(const Heap& heap, Ref key);

}  // namespace stateutils::ckpt
