// A tensor's logical bytes, C order, as one ByteFile: the view that hashing, casting, comparing
// and writing share.
#pragma once

#include <functional>
#include <string>

#include "ckpt/model/catalogue.hpp"
#include "ckpt/plan/strided.hpp"

namespace stateutils::ckpt {

// Box offset/size of a tensor.
struct Box {
  Shape offset, size;
  [[nodiscard]] bool empty() const;
};
[[nodiscard]] Box intersect(const Box& a, const Box& b);

// What a plan does with one contiguous run: target offset in the view, source, length, operation.
struct PlannedRun {
  std::uint64_t target;
  const std::string& source;
  std::uint64_t source_offset, length;
  const char* operation;
};
// The runs that make up [offset, offset + size) of `file`, in target order; a file that is no
// view is one run.
void describe_runs(const ByteFile& file, std::uint64_t offset, std::uint64_t size,
                   const std::function<void(const PlannedRun&)>& visit);

// Copies of `piece` that land in `target`, a box of the same logical tensor stored with the given
// byte strides at `target_at`.
[[nodiscard]] std::vector<StridedCopy> copies_into(const Piece& piece, const Box& target,
                                                   const std::vector<std::uint64_t>& target_strides,
                                                   std::uint64_t target_at, std::uint64_t item);

// The bytes of a box of `tensor` in C order. Every byte must be covered by exactly one piece:
// kInput naming the tensor otherwise.
[[nodiscard]] ByteFilePtr box_file(const Tensor& tensor, const Box& box);
// The whole tensor.
[[nodiscard]] ByteFilePtr tensor_file(const Tensor& tensor);
// The same over the replicas: one file each, with the box it covers.
[[nodiscard]] ByteFilePtr piece_file(const Tensor& tensor, const Piece& piece);

// Pieces are disjoint and fill the tensor; kInput naming it otherwise.
void check_cover(const Tensor& tensor);

}  // namespace stateutils::ckpt
