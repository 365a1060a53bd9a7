#include "ckpt/plan/tensor_file.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

std::uint64_t volume(const Shape& size) {
  return element_count(size).value_or(0);
}

class View final : public ByteFile {
 public:
  View(std::string name, std::uint64_t size, std::vector<StridedCopy> copies)
      : name_(std::move(name)), size_(size), copies_(std::move(copies)) {
    std::ranges::sort(copies_, {}, &StridedCopy::target);
    // Boxes interleave, so ends do not grow with starts: keep the largest end so far.
    std::uint64_t end = 0;
    for (const StridedCopy& copy : copies_) ends_.push_back(end = std::max(end, copy.target_end()));
  }

  void read_at(std::uint64_t offset, void* data, std::uint64_t size) const override {
    const std::uint64_t last = offset + size;
    if (last > size_) throw core::input_error({name_, std::nullopt, offset}, "read past the end");
    auto index = static_cast<std::size_t>(std::ranges::upper_bound(ends_, offset) - ends_.begin());
    for (; index < copies_.size() && copies_[index].target < last; ++index) {
      run_copy(copies_[index], offset, last, static_cast<char*>(data));
    }
  }
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] const std::vector<StridedCopy>& copies() const { return copies_; }

 private:
  std::string name_;
  std::uint64_t size_;
  std::vector<StridedCopy> copies_;
  std::vector<std::uint64_t> ends_;
};

void describe_view(const View& view, std::uint64_t offset, std::uint64_t size,
                   const std::function<void(const PlannedRun&)>& visit) {
  const std::uint64_t end = offset + size;
  for (const StridedCopy& copy : view.copies()) {
    for_each_run(copy, [&](std::uint64_t target, std::uint64_t source, std::uint64_t length) {
      const std::uint64_t first = std::max(target, offset), last = std::min(target + length, end);
      if (first >= last) return;
      describe_runs(*copy.file, source + (first - target), last - first, [&](PlannedRun run) {
        run.target += first - offset;
        visit(run);
      });
    });
  }
}

bool overlap(const Piece& a, const Piece& b) {
  for (std::size_t d = 0; d < a.offset.size(); ++d) {
    if (a.offset[d] >= b.offset[d] + b.size[d] || b.offset[d] >= a.offset[d] + a.size[d]) {
      return false;
    }
  }
  return true;
}

[[noreturn]] void fail(const Tensor& tensor, const std::string& message) {
  throw core::Error(core::Category::kInput, "tensor " + core::quoted(tensor.name) + ": " + message);
}

// Sub-byte elements are packed: only the dense whole can be addressed.
ByteFilePtr packed_file(const Tensor& tensor) {
  if (tensor.pieces.size() != 1) fail(tensor, "sub-byte elements in more than one piece");
  return sub_file(tensor.pieces[0].file, tensor.pieces[0].at, tensor.bytes());
}

ByteFilePtr view_of(const Tensor& tensor, const Box& box, const std::vector<Piece>& pieces) {
  const std::uint64_t item = item_bytes(tensor.dtype);
  const auto strides = dense_strides(box.size, item);
  std::vector<StridedCopy> copies;
  std::uint64_t covered = 0;
  for (const Piece& piece : pieces) {
    for (StridedCopy& copy : copies_into(piece, box, strides, 0, item)) {
      covered += copy.bytes();
      copies.push_back(std::move(copy));
    }
  }
  const std::uint64_t size = volume(box.size) * item;
  if (covered != size) {
    fail(tensor,
         "the pieces hold " + std::to_string(covered) + " of " + std::to_string(size) + " bytes");
  }
  if (copies.size() == 1 && copies[0].dims.empty()) {
    return sub_file(copies[0].file, copies[0].source, size);
  }
  return std::make_shared<View>(tensor.name, size, std::move(copies));
}

}  // namespace

bool Box::empty() const {
  return std::ranges::find(size, 0u) != size.end();
}

Box intersect(const Box& a, const Box& b) {
  Box box{a.offset, a.size};
  for (std::size_t d = 0; d < a.offset.size(); ++d) {
    const std::uint64_t first = std::max(a.offset[d], b.offset[d]);
    const std::uint64_t last = std::min(a.offset[d] + a.size[d], b.offset[d] + b.size[d]);
    box.offset[d] = first;
    box.size[d] = last > first ? last - first : 0;
  }
  return box;
}

void describe_runs(const ByteFile& file, std::uint64_t offset, std::uint64_t size,
                   const std::function<void(const PlannedRun&)>& visit) {
  if (size == 0) return;
  if (const auto* view = dynamic_cast<const View*>(&file)) {
    return describe_view(*view, offset, size, visit);
  }
  if (const auto* parts = concat_parts(file)) {
    std::uint64_t start = 0;
    for (const FilePart& part : *parts) {
      const std::uint64_t first = std::max(start, offset);
      const std::uint64_t last = std::min(start + part.size, offset + size);
      if (first < last) {
        describe_runs(*part.file, part.offset + (first - start), last - first, [&](PlannedRun run) {
          run.target += first - offset;
          visit(run);
        });
      }
      start += part.size;
    }
    return;
  }
  std::uint64_t base = 0;
  const ByteFile* under = underlying(file, base);
  if (under != &file) return describe_runs(*under, base + offset, size, visit);
  visit({0, file.name(), offset, size, file.operation()});
}

std::vector<StridedCopy> copies_into(const Piece& piece, const Box& target,
                                     const std::vector<std::uint64_t>& target_strides,
                                     std::uint64_t target_at, std::uint64_t item) {
  const Box common = intersect({piece.offset, piece.size}, target);
  if (common.empty()) return {};
  StridedCopy copy{.file = piece.file, .source = piece.at, .target = target_at, .run = item};
  for (std::size_t d = 0; d < common.offset.size(); ++d) {
    copy.source += (common.offset[d] - piece.offset[d]) * piece.strides[d];
    copy.target += (common.offset[d] - target.offset[d]) * target_strides[d];
    copy.dims.push_back({common.size[d], piece.strides[d], target_strides[d]});
  }
  simplify(copy);
  return {std::move(copy)};
}

ByteFilePtr box_file(const Tensor& tensor, const Box& box) {
  if (item_bytes(tensor.dtype) == 0) return packed_file(tensor);
  return view_of(tensor, box, tensor.pieces);
}

ByteFilePtr tensor_file(const Tensor& tensor) {
  return box_file(tensor, {Shape(tensor.shape.size(), 0), tensor.shape});
}

ByteFilePtr piece_file(const Tensor& tensor, const Piece& piece) {
  if (item_bytes(tensor.dtype) == 0) return packed_file(tensor);
  return view_of(tensor, {piece.offset, piece.size}, {piece});
}

void check_cover(const Tensor& tensor) {
  std::uint64_t sum = 0;
  std::vector<const Piece*> sorted;
  for (const Piece& piece : tensor.pieces) {
    if (piece.offset.size() != tensor.shape.size()) fail(tensor, "a piece has another rank");
    for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
      if (piece.offset[d] > tensor.shape[d] || piece.size[d] > tensor.shape[d] - piece.offset[d]) {
        fail(tensor, "a piece lies outside the shape");
      }
    }
    if (volume(piece.size) == 0) continue;
    sum += volume(piece.size);
    sorted.push_back(&piece);
  }
  // Sweep along the first dimension: only pieces that share rows are compared.
  const auto row = [](const Piece* p) { return p->offset.empty() ? 0 : p->offset[0]; };
  const auto rows = [](const Piece* p) { return p->size.empty() ? 1 : p->size[0]; };
  std::ranges::sort(sorted, {}, row);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = i + 1;
         j < sorted.size() && row(sorted[j]) < row(sorted[i]) + rows(sorted[i]); ++j) {
      if (overlap(*sorted[i], *sorted[j])) fail(tensor, "two pieces overlap");
    }
  }
  if (sum != tensor.elements()) {
    fail(tensor, "the pieces hold " + std::to_string(sum) + " of " +
                     std::to_string(tensor.elements()) + " elements");
  }
}

}  // namespace stateutils::ckpt
