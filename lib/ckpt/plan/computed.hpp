// Bytes computed element by element from others: casts, averages, dequantised blocks.
#pragma once

#include <string>

#include "ckpt/model/bytes.hpp"
#include "ckpt/model/dtype.hpp"

namespace stateutils::ckpt {

class ComputedFile : public ByteFile {
 public:
  // `elements` of type `dtype`; `name` is what errors call it.
  ComputedFile(DType dtype, std::uint64_t elements, std::string name);

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const final;
  [[nodiscard]] std::uint64_t size() const final { return elements_ * item_; }
  [[nodiscard]] const std::string& name() const final { return name_; }

  static constexpr std::size_t kMost = 8192;  // elements of one compute()

 protected:
  // The bytes of elements [first, first + count); count <= kMost. Called from several threads.
  virtual void compute(std::uint64_t first, std::size_t count, char* out) const = 0;

 private:
  std::uint64_t elements_, item_;
  std::string name_;
};

}  // namespace stateutils::ckpt
