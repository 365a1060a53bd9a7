// One weight matrix, vector-quantized: VPTQ (Liu et al., EMNLP'24).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ckpt/model/dtype.hpp"
#include "ckpt/quant/hessian.hpp"

namespace stateutils::ckpt::quant {

class DeviceSearch;

enum class Norm { kNone, kMinMax, kStandard };

struct QuantOptions {
  std::uint64_t v = 8, k = 65536;
  std::uint64_t residual_k = 0;  // 0: no residual codebook
  std::uint64_t groups = 1;      // of columns, each with its own codebooks
  double outlier_percent = 0;
  std::uint64_t outlier_v = 4, outlier_k = 4096;
  Norm norm = Norm::kNone;
  bool permute = false;
  int iterations = 100;
  double tolerance = 1e-5;
  std::uint64_t seed = 0;
  int threads = 1;
  DeviceSearch* device = nullptr;  // for the search of centroids, with the same result
};

// rows x columns, stored column by column: vectors run down a column.
struct Weights {
  std::size_t rows = 0, columns = 0;
  std::vector<double> cells{};
  [[nodiscard]] double* column(std::size_t c) { return cells.data() + c * rows; }
  [[nodiscard]] const double* column(std::size_t c) const { return cells.data() + c * rows; }
};

// Indices of one set of columns: for each column, one index for every `v` rows.
struct CodedColumns {
  std::uint64_t v = 0, k = 0;
  std::vector<float> centroids{};        // k x v, as they are stored
  std::vector<std::uint32_t> indices{};  // [column * row_blocks + block]
  std::vector<float> residual_centroids{};
  std::vector<std::uint32_t> residuals{};
};

struct QuantizedLayer {
  std::size_t rows = 0, columns = 0, outliers = 0;
  CodedColumns outlier{};
  std::vector<CodedColumns> groups{};  // of the other columns, in order
  std::vector<std::size_t> order{};    // position -> column; outliers come first
  std::vector<float> scale{}, bias{};  // per column; empty without --norm
  double bits_per_weight = 0, proxy_error = 0, rtn_proxy_error = 0;
};

// Elements of a column are padded with zeros to whole vectors.
[[nodiscard]] inline std::uint64_t row_blocks(std::uint64_t rows, std::uint64_t v) {
  return (rows + v - 1) / v;
}
// Columns [first, last) of group g of `groups`, among `columns`.
[[nodiscard]] inline std::uint64_t group_start(std::uint64_t columns, std::uint64_t groups,
                                               std::uint64_t g) {
  return columns * g / groups;
}

// 16 (v (k + res_k) g + v0 k0) + index bits, over the number of weights.
[[nodiscard]] double bits_per_weight(std::uint64_t rows, std::uint64_t columns,
                                     std::uint64_t outliers, const QuantOptions& options);

// The columns that get a codebook of their own.
[[nodiscard]] std::uint64_t outlier_columns(std::uint64_t columns, const QuantOptions& options);

// `h` is the Hessian as given (identity when empty), `inverse` its inverse where that is known.
// Centroids are rounded to `centroid_type` (F16 or BF16) before anything is assigned to them.
// `load` gives the weights; it is called again rather than that they are kept.
[[nodiscard]] QuantizedLayer quantize_layer(const std::function<Weights()>& load, const Square& h,
                                            const Square* inverse, DType centroid_type,
                                            const QuantOptions& options);
// Bytes that quantize_layer() needs at its peak, with H and its inverse where they are given.
[[nodiscard]] std::uint64_t quantize_memory(std::uint64_t rows, std::uint64_t columns, bool hessian,
                                            bool inverse, const QuantOptions& options);

// Uniform round to nearest per output row at `bits` bits, the clip chosen by least squared error
// out of 100 shares of the row's largest magnitude.
[[nodiscard]] Weights round_to_nearest(const Weights& weights, unsigned bits, int threads);

}  // namespace stateutils::ckpt::quant
