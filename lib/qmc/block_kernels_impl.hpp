// Loops shared by the instruction sets; included by the kernel files only. `V` supplies
//   Reg, kLanes, load(p), load_any(p), exclusive_or(a, b), add(a, b),
//   put<Format>(reg, out, index), stream(reg, double*), put_folded, stream_folded(reg, double*),
//   stream_value(double, double*), fence().
// Everything has internal linkage: a template shared by files of different instruction sets would
// be merged by the linker into whichever copy it met first.
#pragma once

#include "qmc/block_kernels.hpp"

namespace stateutils::qmc {
namespace {

template <Format kFormat>
void convert_one(std::uint64_t word, void* out, std::size_t index) {
  if constexpr (kFormat == Format::kF64) {
    static_cast<double*>(out)[index] = static_cast<double>(word >> 11) * 0x1p-53;
  } else if constexpr (kFormat == Format::kF64Open) {
    static_cast<double*>(out)[index] = (static_cast<double>(word >> 12) + 0.5) * 0x1p-52;
  } else if constexpr (kFormat == Format::kF32) {
    static_cast<float*>(out)[index] = static_cast<float>(word >> 40) * 0x1p-24f;
  } else if constexpr (kFormat == Format::kF32Open) {
    static_cast<float*>(out)[index] = (static_cast<float>(word >> 41) + 0.5f) * 0x1p-23f;
  } else if constexpr (kFormat == Format::kU32) {
    static_cast<std::uint32_t*>(out)[index] = static_cast<std::uint32_t>(word >> 32);
  } else {
    static_cast<std::uint64_t*>(out)[index] = word;
  }
}

template <class V, bool kAdd>
typename V::Reg combine(typename V::Reg a, typename V::Reg b) {
  if constexpr (kAdd) {
    return V::add(a, b);
  } else {
    return V::exclusive_or(a, b);
  }
}

// What becomes of a combined word.
template <class V, Format kFormat>
struct Put {
  static void store(typename V::Reg word, void* out, std::size_t index) {
    V::template put<kFormat>(word, out, index);
  }
};
template <class V>
struct KernelStream {
  static void store(typename V::Reg word, void* out, std::size_t index) {
    V::stream(word, static_cast<double*>(out) + index);
  }
};
template <class V>
struct PutFolded {
  static void store(typename V::Reg word, void* out, std::size_t index) {
    V::put_folded(word, static_cast<double*>(out) + index);
  }
};
template <class V>
struct StreamFolded {
  static void store(typename V::Reg word, void* out, std::size_t index) {
    V::stream_folded(word, static_cast<double*>(out) + index);
  }
};

template <class V, bool kAdd, class Target>
void table_kernel(const std::uint64_t* table, const std::uint64_t* pattern, std::size_t groups,
                  std::size_t period, void* out) {
  constexpr std::size_t kSteps = 8 / V::kLanes;
  if (period == 1) {  // the whole pattern stays in registers
    typename V::Reg held[kSteps];
    for (std::size_t k = 0; k < kSteps; ++k) held[k] = V::load(pattern + k * V::kLanes);
    for (std::size_t v = 0; v < groups; ++v) {
      for (std::size_t k = 0; k < kSteps; ++k) {
        const std::size_t index = v * 8 + k * V::kLanes;
        Target::store(combine<V, kAdd>(V::load(table + index), held[k]), out, index);
      }
    }
    return;
  }
  for (std::size_t v = 0; v < groups; v += period) {
    for (std::size_t p = 0; p < period; ++p) {
      for (std::size_t k = 0; k < kSteps; ++k) {
        const std::size_t index = (v + p) * 8 + k * V::kLanes;
        const auto held = V::load(pattern + p * 8 + k * V::kLanes);
        Target::store(combine<V, kAdd>(V::load(table + index), held), out, index);
      }
    }
  }
}

inline void fold_kernel(const std::uint64_t* words, std::size_t count, std::uint64_t* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = fold_word(words[i]) ^ kFoldMark;
}

template <class V, Format kFormat>
void convert_kernel(const std::uint64_t* words, std::size_t count, void* out) {
  std::size_t i = 0;
  for (; i + V::kLanes <= count; i += V::kLanes) {
    V::template put<kFormat>(V::load_any(words + i), out, i);
  }
  for (; i < count; ++i) convert_one<kFormat>(words[i], out, i);
}

template <class V>
void store_kernel(double value, std::size_t count, double* out) {
  for (std::size_t i = 0; i < count; i += V::kLanes) V::stream_value(value, out + i);
  V::fence();
}

template <class V>
constexpr BlockKernels make_block_kernels() {
  return BlockKernels{
      {table_kernel<V, false, Put<V, Format::kF64>>,
       table_kernel<V, false, Put<V, Format::kF64Open>>,
       table_kernel<V, false, Put<V, Format::kF32>>,
       table_kernel<V, false, Put<V, Format::kF32Open>>,
       table_kernel<V, false, Put<V, Format::kU32>>, table_kernel<V, false, Put<V, Format::kU64>>},
      {table_kernel<V, true, Put<V, Format::kF64>>, table_kernel<V, true, Put<V, Format::kF64Open>>,
       table_kernel<V, true, Put<V, Format::kF32>>, table_kernel<V, true, Put<V, Format::kF32Open>>,
       table_kernel<V, true, Put<V, Format::kU32>>, table_kernel<V, true, Put<V, Format::kU64>>},
      table_kernel<V, false, PutFolded<V>>,
      table_kernel<V, false, StreamFolded<V>>,
      table_kernel<V, true, KernelStream<V>>,
      fold_kernel,
      {convert_kernel<V, Format::kF64>, convert_kernel<V, Format::kF64Open>,
       convert_kernel<V, Format::kF32>, convert_kernel<V, Format::kF32Open>,
       convert_kernel<V, Format::kU32>, convert_kernel<V, Format::kU64>},
      store_kernel<V>};
}

}  // namespace
}  // namespace stateutils::qmc
