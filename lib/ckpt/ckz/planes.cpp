#include "ckpt/ckz/planes.hpp"

#include <algorithm>

#include "ckpt/ckz/plane_loops.hpp"
#include "core/isa.hpp"

namespace stateutils::ckpt::ckz {
namespace {

const PlaneKernels& kernels() {
#if defined(__x86_64__)
  static const PlaneKernels& chosen =
      core::active_isa() == core::Isa::kScalar ? plane_kernels_scalar() : plane_kernels_avx2();
  return chosen;
#else
  return plane_kernels_scalar();
#endif
}

void split_any(unsigned item, const char* data, std::uint64_t n, const PlaneData& planes) {
  for (unsigned p = 0; p < item; ++p) {
    const char* from = data + (item - 1 - p);
    for (std::uint64_t i = 0; i < n; ++i) planes[p][i] = from[i * item];
  }
}

void join_any(unsigned item, const PlaneData& planes, std::uint64_t n, char* data) {
  for (unsigned p = 0; p < item; ++p) {
    char* to = data + (item - 1 - p);
    for (std::uint64_t i = 0; i < n; ++i) to[i * item] = planes[p][i];
  }
}

}  // namespace

const PlaneKernels& plane_kernels_scalar() {
  return kKernels;
}

Split exponent_split(DType dtype) {
  switch (dtype) {
    case DType::kBF16:
      return Split::kExponent16;
    case DType::kF32:
      return Split::kExponent32;
    case DType::kF8E4M3:
    case DType::kF8E5M2:
      return Split::kNibbles;
    default:
      return Split::kBytes;
  }
}

unsigned element_bytes(DType dtype) {
  return std::max(1u, static_cast<unsigned>(item_bytes(dtype)));
}

unsigned split_planes(Split split, unsigned item) {
  return split == Split::kNibbles ? 2 : item;
}

unsigned plane_count(DType dtype) {
  return split_planes(exponent_split(dtype), element_bytes(dtype));
}

std::uint64_t plane_bytes(Split split, std::uint64_t elements) {
  return split == Split::kNibbles ? (elements + 1) / 2 : elements;
}

void split_elements(Split split, unsigned item, const char* data, std::uint64_t elements,
                    const PlaneData& planes) {
  switch (split) {
    case Split::kExponent16:
      return kernels().split_exponent16(data, elements, planes);
    case Split::kExponent32:
      return kernels().split_exponent32(data, elements, planes);
    case Split::kNibbles:
      return kernels().split_nibbles(data, elements, planes);
    case Split::kBytes:
      break;
  }
  if (item == 2) return kernels().split_bytes2(data, elements, planes);
  if (item == 4) return kernels().split_bytes4(data, elements, planes);
  split_any(item, data, elements, planes);
}

void join_elements(Split split, unsigned item, const PlaneData& planes, std::uint64_t elements,
                   char* data) {
  switch (split) {
    case Split::kExponent16:
      return kernels().join_exponent16(planes, elements, data);
    case Split::kExponent32:
      return kernels().join_exponent32(planes, elements, data);
    case Split::kNibbles:
      return kernels().join_nibbles(planes, elements, data);
    case Split::kBytes:
      break;
  }
  if (item == 2) return kernels().join_bytes2(planes, elements, data);
  if (item == 4) return kernels().join_bytes4(planes, elements, data);
  join_any(item, planes, elements, data);
}

}  // namespace stateutils::ckpt::ckz
