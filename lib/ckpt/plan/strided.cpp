#include "ckpt/plan/strided.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace stateutils::ckpt {
namespace {

using Dim = StridedCopy::Dim;

constexpr std::uint64_t kSpan = 1u << 20;        // bytes read at once for a gather
constexpr std::uint64_t kDirectRun = 64 * 1024;  // runs this long are read one by one

// A part of a copy while it is cut down: same fields, no ownership.
struct Part {
  std::uint64_t source, target, run;
  std::vector<Dim> dims;

  [[nodiscard]] std::uint64_t bytes() const {
    std::uint64_t total = run;
    for (const Dim& dim : dims) total *= dim.count;
    return total;
  }
  [[nodiscard]] std::uint64_t source_span() const {
    std::uint64_t span = run;
    for (const Dim& dim : dims) span += (dim.count - 1) * dim.source_stride;
    return span;
  }
};

template <std::size_t N>
void gather_items(const char* from, char* to, const Dim& dim) {
  for (std::uint64_t i = 0; i < dim.count; ++i) {
    std::memcpy(to + i * dim.target_stride, from + i * dim.source_stride, N);
  }
}

void gather(const char* from, char* to, std::uint64_t run, const Dim* dim, const Dim* end) {
  if (dim == end) {
    std::memcpy(to, from, run);
  } else if (dim + 1 == end && run == 4) {
    gather_items<4>(from, to, *dim);
  } else if (dim + 1 == end && run == 2) {
    gather_items<2>(from, to, *dim);
  } else if (dim + 1 == end && run == 8) {
    gather_items<8>(from, to, *dim);
  } else if (dim + 1 == end && run == 1) {
    gather_items<1>(from, to, *dim);
  } else {
    for (std::uint64_t i = 0; i < dim->count; ++i) {
      gather(from + i * dim->source_stride, to + i * dim->target_stride, run, dim + 1, end);
    }
  }
}

class Runner {
 public:
  Runner(const ByteFile& file, std::uint64_t first, std::uint64_t last, char* out)
      : file_(file), first_(first), last_(last), out_(out) {}

  // Cuts `part` to the window: whole sub-boxes go to read(), the two ragged ends one level down.
  void clip(Part part) {
    std::uint64_t extent = part.run;
    for (const Dim& dim : part.dims) extent += (dim.count - 1) * dim.target_stride;
    if (part.target >= last_ || part.target + extent <= first_) return;
    if (part.target >= first_ && part.target + extent <= last_) return read(std::move(part));
    if (part.dims.empty()) {
      const std::uint64_t begin = std::max(part.target, first_);
      const std::uint64_t end = std::min(part.target + part.run, last_);
      return read({part.source + (begin - part.target), begin, end - begin, {}});
    }
    const Dim outer = part.dims.front();
    const std::uint64_t child = extent - (outer.count - 1) * outer.target_stride;
    const std::uint64_t skip =
        first_ > part.target ? (first_ - part.target) / outer.target_stride : 0;
    const std::uint64_t stop = std::min(
        outer.count, (last_ - part.target + outer.target_stride - 1) / outer.target_stride);
    const auto row = [&](std::uint64_t i) {
      return Part{part.source + i * outer.source_stride,
                  part.target + i * outer.target_stride,
                  part.run,
                  {part.dims.begin() + 1, part.dims.end()}};
    };
    std::uint64_t whole = skip;
    while (whole < stop && part.target + whole * outer.target_stride < first_) ++whole;
    std::uint64_t whole_end = stop;
    while (whole_end > whole &&
           part.target + (whole_end - 1) * outer.target_stride + child > last_) {
      --whole_end;
    }
    for (std::uint64_t i = skip; i < whole; ++i) clip(row(i));
    if (whole_end > whole) {
      Part middle = part;
      middle.source += whole * outer.source_stride;
      middle.target += whole * outer.target_stride;
      middle.dims.front().count = whole_end - whole;
      read(std::move(middle));
    }
    for (std::uint64_t i = whole_end; i < stop; ++i) clip(row(i));
  }

 private:
  void read(Part part) {
    char* const to = out_ + (part.target - first_);
    std::erase_if(part.dims, [](const Dim& dim) { return dim.count == 1; });
    if (part.dims.empty()) {
      file_.read_at(part.source, to, part.run);
      return;
    }
    const std::uint64_t span = part.source_span();
    // Worth one read when most of the span is wanted, or when it is a page or so.
    if (part.run < kDirectRun && span <= kSpan && (span <= 4 * part.bytes() || span <= 16384)) {
      if (scratch_ == nullptr) scratch_ = std::make_unique_for_overwrite<char[]>(kSpan);
      file_.read_at(part.source, scratch_.get(), span);
      const Dim* const dims = part.dims.data();
      gather(scratch_.get(), to, part.run, dims, dims + part.dims.size());
      return;
    }
    split(std::move(part));
  }

  // Halves the dimension that is farthest apart in the source.
  void split(Part part) {
    const auto widest = std::ranges::max_element(
        part.dims, {}, [](const Dim& dim) { return dim.source_stride * (dim.count > 1 ? 1 : 0); });
    Part second = part;
    Dim& upper = second.dims[static_cast<std::size_t>(widest - part.dims.begin())];
    const std::uint64_t half = widest->count / 2;
    upper.count -= half;
    second.source += half * upper.source_stride;
    second.target += half * upper.target_stride;
    widest->count = half;
    read(std::move(part));
    read(std::move(second));
  }

  const ByteFile& file_;
  std::uint64_t first_, last_;
  char* out_;
  std::unique_ptr<char[]> scratch_;
};

void visit_runs(const StridedCopy& copy, std::size_t dim, std::uint64_t target,
                std::uint64_t source,
                const std::function<void(std::uint64_t, std::uint64_t, std::uint64_t)>& visit) {
  if (dim == copy.dims.size()) return visit(target, source, copy.run);
  const Dim& d = copy.dims[dim];
  for (std::uint64_t i = 0; i < d.count; ++i) {
    visit_runs(copy, dim + 1, target + i * d.target_stride, source + i * d.source_stride, visit);
  }
}

}  // namespace

std::uint64_t StridedCopy::bytes() const {
  std::uint64_t total = run;
  for (const Dim& dim : dims) total *= dim.count;
  return total;
}

std::uint64_t StridedCopy::target_end() const {
  std::uint64_t end = target + run;
  for (const Dim& dim : dims) end += (dim.count - 1) * dim.target_stride;
  return end;
}

void simplify(StridedCopy& copy) {
  std::erase_if(copy.dims, [](const Dim& dim) { return dim.count == 1; });
  while (!copy.dims.empty() && copy.dims.back().source_stride == copy.run &&
         copy.dims.back().target_stride == copy.run) {
    copy.run *= copy.dims.back().count;
    copy.dims.pop_back();
  }
  for (std::size_t i = copy.dims.size(); i-- > 1;) {
    Dim& outer = copy.dims[i - 1];
    const Dim& inner = copy.dims[i];
    if (outer.source_stride == inner.count * inner.source_stride &&
        outer.target_stride == inner.count * inner.target_stride) {
      outer = {outer.count * inner.count, inner.source_stride, inner.target_stride};
      copy.dims.erase(copy.dims.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

void run_copy(const StridedCopy& copy, std::uint64_t first, std::uint64_t last, char* out) {
  if (first >= last) return;
  Runner(*copy.file, first, last, out).clip({copy.source, copy.target, copy.run, copy.dims});
}

void for_each_run(const StridedCopy& copy,
                  const std::function<void(std::uint64_t, std::uint64_t, std::uint64_t)>& visit) {
  visit_runs(copy, 0, copy.target, copy.source, visit);
}

}  // namespace stateutils::ckpt
