#include "ckpt/formats/megatron_optimizer.hpp"

#include <algorithm>
#include <iterator>

#include "ckpt/model/elements.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/plan/tensor_file.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

constexpr const char* kFileStates[] = {"param", "exp_avg", "exp_avg_sq"};
constexpr const char* kStates[] = {"fp32", "exp_avg", "exp_avg_sq"};

// A range of flat state tensors that parameters fill from its start; none crosses its end.
struct Bucket {
  std::vector<Tensor> states{};  // as kStates
  std::uint64_t first = 0, size = 0;
};
using Buckets = std::vector<Bucket>;

// Where a parameter lies: its bucket, and its first element there.
struct Place {
  std::size_t bucket;
  std::uint64_t start;
};

// A dict of flat tensors, one per state; empty for anything else.
std::vector<Tensor> flat_states(const TorchFile& file, const Object& holder) {
  std::vector<Tensor> states;
  for (const char* name : kFileStates) {
    const Object* value = file.heap().find(holder, name);
    if (value == nullptr || value->kind != Kind::kTensor) return {};
    states.push_back(file.tensor(*value, name));
    const Tensor& state = states.back();
    if (state.shape.size() != 1 || state.shape != states.front().shape || state.pieces.size() > 1)
      return {};
  }
  return states;
}

// The sizes of a buffer's buckets where the file names them.
std::vector<std::uint64_t> bucket_sizes(const TorchFile& file, std::size_t buffer,
                                        std::size_t type) {
  const Heap& heap = file.heap();
  const Object* all = heap.find(file.root(), "per_bucket_numel_unpadded");
  if (all == nullptr || buffer >= all->items.size()) return {};
  const Object& types = heap.item(*all, buffer);
  if (types.kind != Kind::kDict || 2 * type + 1 >= types.items.size()) return {};
  return as_shape(heap, heap.item(types, 2 * type + 1)).value_or(Shape{});
}

void add_buffer(const TorchFile& file, const Object& value, std::vector<std::uint64_t> sizes,
                Buckets& buckets) {
  if (value.kind == Kind::kList || value.kind == Kind::kTuple) {
    for (const Ref ref : value.items) add_buffer(file, file.heap().at(ref), {}, buckets);
    return;
  }
  const std::vector<Tensor> states = flat_states(file, value);
  if (states.empty()) return;
  if (sizes.empty()) sizes = {states.front().shape[0]};
  std::uint64_t first = 0;
  for (const std::uint64_t size : sizes) {
    if (size > states.front().shape[0] - first) {
      throw core::input_error({file.name()}, "the buckets are larger than their buffer");
    }
    buckets.push_back({states, first, size});
    first += size;
  }
}

Buckets read_buckets(const TorchFile& file) {
  const Heap& heap = file.heap();
  const Object& root = file.root();
  Buckets buckets;
  std::size_t buffer = 0;
  for (std::size_t i = 0; root.kind == Kind::kDict && i + 1 < root.items.size(); i += 2) {
    const Object& types = heap.item(root, i + 1);
    if (!as_size(heap.item(root, i)) || types.kind != Kind::kDict) continue;
    for (std::size_t t = 0; t + 1 < types.items.size(); t += 2) {
      add_buffer(file, heap.item(types, t + 1), bucket_sizes(file, buffer, t / 2), buckets);
    }
    ++buffer;
  }
  return buckets;
}

// Parameters one after another, each at a multiple of `align`; empty when they do not fit.
std::vector<Place> place_all(const NamedTensors& weights, const Buckets& buckets,
                             std::uint64_t align) {
  std::vector<Place> places;
  std::size_t bucket = 0;
  std::uint64_t at = 0;
  for (const auto& [name, tensor] : weights) {
    const std::uint64_t numel = tensor.elements();
    std::uint64_t start = (at + align - 1) / align * align;
    while (bucket < buckets.size() &&
           (start > buckets[bucket].size || numel > buckets[bucket].size - start)) {
      ++bucket;
      start = 0;
    }
    if (bucket == buckets.size()) return {};
    places.push_back({bucket, start});
    at = start + numel;
  }
  return places;
}

Tensor slice_at(const Bucket& bucket, std::size_t state, std::uint64_t start, const Tensor& like) {
  const Tensor& flat = bucket.states[state];
  Tensor slice{.name = like.name, .dtype = flat.dtype, .shape = like.shape};
  if (flat.pieces.empty()) return slice;
  const Piece& base = flat.pieces.front();
  Piece piece{.offset = Shape(like.shape.size(), 0), .size = like.shape, .file = base.file};
  piece.at = base.at + (bucket.first + start) * base.strides[0];
  piece.strides = dense_strides(like.shape, base.strides[0]);
  slice.pieces.push_back(std::move(piece));
  return slice;
}

// Whether the first elements of fp32, rounded, are those of the weights.
bool rounds_to(const Tensor& fp32, const Tensor& weight) {
  constexpr std::uint64_t kLooked = 1024;
  const auto count = static_cast<std::size_t>(std::min(kLooked, weight.elements()));
  if (count == 0) return true;
  const std::string wide = read_text(*tensor_file(fp32), 0, count * item_bytes(fp32.dtype));
  const std::string narrow = read_text(*tensor_file(weight), 0, count * item_bytes(weight.dtype));
  std::vector<double> numbers(count);
  to_doubles(fp32.dtype, wide.data(), numbers);
  std::string rounded(narrow.size(), '\0');
  from_doubles(weight.dtype, numbers, rounded.data(), Overflow::kSpecial);
  return rounded == narrow;
}

bool fits(const NamedTensors& weights, const Buckets& buckets, const std::vector<Place>& places) {
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Tensor& weight = weights[i].second;
    if (!rounds_to(slice_at(buckets[places[i].bucket], 0, places[i].start, weight), weight))
      return false;
  }
  return !places.empty();
}

}  // namespace

std::map<std::string, std::map<std::string, Tensor>> read_distributed_optimizer(
    const TorchFile& file, const NamedTensors& weights) {
  const Buckets buckets = read_buckets(file);
  NamedTensors order;
  std::ranges::copy_if(weights, std::back_inserter(order),
                       [](const auto& entry) { return is_floating(entry.second.dtype); });
  // Megatron fills its buffers from the model's last parameter on, at multiples of 64 elements
  // since its core 0.6, without gaps before.
  for (const bool reversed : {true, false}) {
    if (reversed) std::ranges::reverse(order);
    for (const std::uint64_t align : {64u, 1u}) {
      const std::vector<Place> places = place_all(order, buckets, align);
      if (!fits(order, buckets, places)) continue;
      std::map<std::string, std::map<std::string, Tensor>> states;
      for (std::size_t i = 0; i < places.size(); ++i) {
        for (std::size_t s = 0; s < std::size(kStates); ++s) {
          states[kStates[s]].emplace(order[i].first, slice_at(buckets[places[i].bucket], s,
                                                              places[i].start, order[i].second));
        }
      }
      return states;
    }
    if (reversed) std::ranges::reverse(order);
  }
  throw core::input_error({file.name()},
                          "no placement of the model's parameters fits the optimizer's buffers");
}

}  // namespace stateutils::ckpt
