#include "ckpt/plan/flat.hpp"

#include <algorithm>

namespace stateutils::ckpt {
namespace {

struct Splitter {
  const Shape& shape;
  std::vector<std::uint64_t> inner;  // elements of one index step, by dimension
  std::vector<FlatBox>& out;

  // Elements [first, last) below `prefix`, the indices of the dimensions before `d`.
  void split(const Shape& prefix, std::size_t d, std::uint64_t base, std::uint64_t first,
             std::uint64_t last) {
    if (first >= last) return;
    if (d == shape.size()) {
      out.push_back({{prefix, Shape(shape.size(), 1)}, base});
      return;
    }
    const std::uint64_t step = inner[d];
    const std::uint64_t head = (first + step - 1) / step, tail = last / step;
    if (head <= tail && head * step >= first && first % step == 0 && last % step == 0) {
      return rows(prefix, d, base, head, tail);
    }
    const auto partial = [&](std::uint64_t index, std::uint64_t low, std::uint64_t high) {
      Shape deeper = prefix;
      deeper.push_back(index);
      split(deeper, d + 1, base + index * step, low - index * step, high - index * step);
    };
    if (head > tail) return partial(first / step, first, last);
    if (first % step != 0) partial(first / step, first, head * step);
    if (tail > head) rows(prefix, d, base, head, tail);
    if (last % step != 0) partial(tail, tail * step, last);
  }

  void rows(const Shape& prefix, std::size_t d, std::uint64_t base, std::uint64_t head,
            std::uint64_t tail) {
    FlatBox made{{prefix, Shape(prefix.size(), 1)}, base + head * inner[d]};
    made.box.offset.push_back(head);
    made.box.size.push_back(tail - head);
    for (std::size_t k = d + 1; k < shape.size(); ++k) {
      made.box.offset.push_back(0);
      made.box.size.push_back(shape[k]);
    }
    out.push_back(std::move(made));
  }
};

}  // namespace

std::vector<FlatBox> flat_boxes(const Shape& shape, std::uint64_t first, std::uint64_t count) {
  std::vector<FlatBox> boxes;
  if (count == 0) return boxes;
  std::vector<std::uint64_t> inner(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) inner[d - 1] = inner[d] * shape[d];
  Splitter{shape, std::move(inner), boxes}.split({}, 0, 0, first, first + count);
  return boxes;
}

}  // namespace stateutils::ckpt
