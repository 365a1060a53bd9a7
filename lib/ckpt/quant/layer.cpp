#include "ckpt/quant/layer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "ckpt/model/elements.hpp"
#include "ckpt/ops/cast.hpp"
#include "ckpt/quant/kmeans.hpp"
#include "core/error.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt::quant {
namespace {

constexpr std::size_t kFeedbackBlock = 128;
constexpr std::uint64_t kOutlierStream = 1, kMainStream = 1000, kResidualStream = 1000000;

unsigned log2_of(std::uint64_t k) {
  return static_cast<unsigned>(std::countr_zero(k));
}

// What is stored is what is assigned to: centroids take one rounding here.
std::vector<float> as_stored(const std::vector<float>& centroids, DType type) {
  std::vector<float> out(centroids.size());
  for (std::size_t i = 0; i < centroids.size(); ++i) {
    const double x = centroids[i];
    char bytes[2];
    double back = 0;
    from_doubles(type, {&x, 1}, bytes, Overflow::kSaturate);
    to_doubles(type, bytes, {&back, 1});
    out[i] = static_cast<float>(back);
  }
  return out;
}

// The vectors of columns [first, last) with the weight of their column; a vector that padding
// fills up has weight 0, unless there are no others.
struct Vectors {
  std::vector<float> values{};
  std::vector<double> weights{};
};
Vectors vectors_of(const Weights& w, std::span<const double> column_weights, std::size_t first,
                   std::size_t last, std::uint64_t v) {
  const std::uint64_t blocks = row_blocks(w.rows, v);
  Vectors out;
  out.values.assign((last - first) * blocks * v, 0.0F);
  for (std::size_t c = first; c < last; ++c) {
    float* const to = out.values.data() + (c - first) * blocks * v;
    for (std::size_t r = 0; r < w.rows; ++r) to[r] = static_cast<float>(w.column(c)[r]);
    for (std::uint64_t b = 0; b < blocks; ++b) {
      const bool counts = (b + 1) * v <= w.rows || w.rows < v;
      out.weights.push_back(counts ? column_weights[c] : 0.0);
    }
  }
  return out;
}

class LayerQuantizer {
 public:
  LayerQuantizer(const std::function<Weights()>& load, const Square& h, const Square* inverse,
                 DType type, const QuantOptions& options)
      : load_(load), given_h_(h), inverse_(inverse), type_(type), options_(options) {}

  QuantizedLayer run() {
    prepare(load_());
    make_codebooks(work_, false);
    if (options_.residual_k > 0) make_codebooks(left_by_first_codebook(), true);
    measure(feedback_pass(std::move(work_)));
    return std::move(out_);
  }

 private:
  // Columns in coding order: normalized, dead ones zeroed; H follows.
  void prepare(Weights given) {
    const std::size_t n = out_.columns = given.columns;
    out_.rows = given.rows;
    out_.outliers = outlier_columns(n, options_);
    diagonal_.resize(n);
    for (std::size_t c = 0; c < n; ++c) diagonal_[c] = given_h_.at(c, c);
    choose_order();
    std::vector<double> scale(n, 1.0);
    work_ = {out_.rows, n, std::vector<double>(out_.rows * n)};
    if (options_.norm != Norm::kNone) normalize(given, scale);
    for (std::size_t p = 0; p < n; ++p) {
      const std::size_t c = out_.order[p];
      double* const to = work_.column(p);
      const double bias = out_.bias.empty() ? 0.0 : static_cast<double>(out_.bias[c]);
      const bool dead = diagonal_[c] == 0;
      for (std::size_t r = 0; r < out_.rows; ++r) {
        to[r] = dead ? 0.0 : (given.column(c)[r] - bias) / scale[c];
      }
    }
    column_weights_.resize(n);
    for (std::size_t p = 0; p < n; ++p) {
      const std::size_t c = out_.order[p];
      column_weights_[p] = (diagonal_[c] == 0 ? 1.0 : diagonal_[c]) * scale[c] * scale[c];
    }
    given = {};
    if (!given_h_.identity()) make_factor(scale);
  }

  void choose_order() {
    out_.order.resize(out_.columns);
    std::iota(out_.order.begin(), out_.order.end(), std::size_t{0});
    const auto heavier = [this](std::size_t a, std::size_t b) {
      return diagonal_[a] != diagonal_[b] ? diagonal_[a] > diagonal_[b] : a < b;
    };
    if (options_.permute || out_.outliers > 0) std::ranges::sort(out_.order, heavier);
    if (!options_.permute) {
      std::sort(out_.order.begin() + static_cast<std::ptrdiff_t>(out_.outliers), out_.order.end());
    }
  }

  // Rounded to F32 as stored, so that both sides use the same numbers.
  void normalize(const Weights& given, std::vector<double>& scale) {
    const auto rows = static_cast<double>(out_.rows);
    for (std::size_t c = 0; c < out_.columns; ++c) {
      const double* const w = given.column(c);
      double bias = 0, spread = 0;
      if (options_.norm == Norm::kMinMax) {
        const auto [low, high] = std::minmax_element(w, w + out_.rows);
        bias = *low;
        spread = *high - *low;
      } else {
        for (std::size_t r = 0; r < out_.rows; ++r) bias += w[r] / rows;
        for (std::size_t r = 0; r < out_.rows; ++r) spread += (w[r] - bias) * (w[r] - bias) / rows;
        spread = std::sqrt(spread);
      }
      out_.bias.push_back(static_cast<float>(bias));
      out_.scale.push_back(spread > 0 ? static_cast<float>(spread) : 1.0F);
      scale[c] = static_cast<double>(out_.scale.back());
    }
  }

  void make_factor(const std::vector<double>& scale) {
    Square h = inverse_ != nullptr ? *inverse_ : given_h_;
    std::vector<double> factors = scale;
    if (inverse_ != nullptr) {
      for (double& x : factors) x = 1 / x;
    } else {
      for (std::size_t c = 0; c < h.n; ++c) {
        if (diagonal_[c] == 0) h.cells[c * h.n + c] = 1;
      }
      damp(h);
    }
    h = reordered(h, out_.order, factors);
    factor_ = feedback_factor(std::move(h), inverse_ != nullptr, options_.threads);
    if (factor_.cells.empty()) {
      throw core::Error(core::Category::kInput, "the Hessian is not positive definite");
    }
  }

  // Codebooks of the outliers and of every group, or of the residuals of the groups.
  void make_codebooks(const Weights& from, bool residual) {
    const auto book = [&](std::size_t first, std::size_t last, std::uint64_t v, std::uint64_t k,
                          std::uint64_t stream) {
      const Vectors vectors = vectors_of(from, column_weights_, first, last, v);
      const KmeansOptions options{.clusters = k,
                                  .iterations = options_.iterations,
                                  .tolerance = options_.tolerance,
                                  .seed = options_.seed,
                                  .stream = stream,
                                  .threads = options_.threads,
                                  .device = options_.device};
      return as_stored(weighted_kmeans(vectors.values, v, vectors.weights, options), type_);
    };
    if (out_.outliers > 0 && !residual) {
      out_.outlier = {.v = options_.outlier_v, .k = options_.outlier_k};
      out_.outlier.centroids =
          book(0, out_.outliers, options_.outlier_v, options_.outlier_k, kOutlierStream);
    }
    for (std::uint64_t g = 0; g < options_.groups; ++g) {
      if (!residual) out_.groups.push_back({.v = options_.v, .k = options_.k});
      auto& to = residual ? out_.groups[g].residual_centroids : out_.groups[g].centroids;
      to = book(first_of(g), first_of(g + 1), options_.v,
                residual ? options_.residual_k : options_.k,
                (residual ? kResidualStream : kMainStream) + g);
    }
  }
  [[nodiscard]] std::size_t first_of(std::uint64_t group) const {
    return out_.outliers + group_start(out_.columns - out_.outliers, options_.groups, group);
  }

  // Quantizes column after column, each with what the ones before it did wrong taken into account
  // (GPTQ's feedback, in blocks of 128). Returns the coded matrix.
  Weights feedback_pass(Weights w) {
    Weights coded{w.rows, w.columns, std::vector<double>(w.cells.size())};
    std::vector<double> errors(kFeedbackBlock * w.rows);
    const Books books = codebooks();
    for (std::size_t start = 0; start < w.columns; start += kFeedbackBlock) {
      core::check_stop();
      const std::size_t end = std::min(w.columns, start + kFeedbackBlock);
      for (std::size_t q = start; q < end; ++q) {
        code_column(w.column(q), q, books, coded.column(q));
        if (factor_.cells.empty()) continue;
        double* const error = errors.data() + (q - start) * w.rows;
        const double pivot = factor_.at(q, q);
        for (std::size_t r = 0; r < w.rows; ++r) {
          error[r] = (w.column(q)[r] - coded.column(q)[r]) / pivot;
        }
        for (std::size_t j = q + 1; j < end; ++j) take_off(w, j, error, factor_.at(q, j));
      }
      if (factor_.cells.empty()) continue;
      core::parallel_for(w.columns - end, options_.threads, [&](std::uint64_t task) {
        const std::size_t j = end + task;
        for (std::size_t q = start; q < end; ++q) {
          take_off(w, j, errors.data() + (q - start) * w.rows, factor_.at(q, j));
        }
      });
    }
    return coded;
  }
  static void take_off(Weights& w, std::size_t column, const double* error, double factor) {
    double* const to = w.column(column);
    for (std::size_t r = 0; r < w.rows; ++r) to[r] -= error[r] * factor;
  }

  // What residual codebooks are made for: each column as the first codebook alone leaves it. The
  // feedback is left out here, it moves columns far less once both codebooks are in use.
  Weights left_by_first_codebook() {
    Weights left = work_;
    const Books books = codebooks();
    for (std::size_t q = out_.outliers; q < out_.columns; ++q) {
      const std::vector<float> vectors = padded(work_.column(q), options_.v);
      const Codebook& book = books.first[group_of(q)];
      const auto chosen = assign_nearest(vectors, book, options_.threads, options_.device);
      for (std::size_t r = 0; r < out_.rows; ++r) {
        left.column(q)[r] -= static_cast<double>(book.at(chosen[r / options_.v], r % options_.v));
      }
    }
    return left;
  }

  struct Books {
    Codebook outlier;
    std::vector<Codebook> first, residual;  // by group
  };
  [[nodiscard]] Books codebooks() const {
    Books books;
    if (out_.outliers > 0) books.outlier = Codebook(out_.outlier.centroids, out_.outlier.v);
    for (const CodedColumns& group : out_.groups) {
      books.first.emplace_back(group.centroids, options_.v);
      if (!group.residual_centroids.empty()) {
        books.residual.emplace_back(group.residual_centroids, options_.v);
      }
    }
    return books;
  }
  [[nodiscard]] std::uint64_t group_of(std::size_t column) const {
    std::uint64_t g = 0;
    while (column >= first_of(g + 1)) ++g;
    return g;
  }
  [[nodiscard]] std::vector<float> padded(const double* column, std::uint64_t v) const {
    std::vector<float> vectors(row_blocks(out_.rows, v) * v, 0.0F);
    for (std::size_t r = 0; r < out_.rows; ++r) vectors[r] = static_cast<float>(column[r]);
    return vectors;
  }

  // Appends the nearest index for each vector and takes its centroid off.
  void code_with(const Codebook& book, std::vector<float>& vectors,
                 std::vector<std::uint32_t>& indices, double* coded) const {
    const std::size_t v = book.length();
    constexpr std::size_t kWorthThreads = 65536;  // products
    const int team = vectors.size() / v * book.size() > kWorthThreads ? options_.threads : 1;
    const auto chosen = assign_nearest(vectors, book, team, options_.device);
    indices.insert(indices.end(), chosen.begin(), chosen.end());
    for (std::size_t r = 0; r < out_.rows; ++r) {
      const float x = book.at(chosen[r / v], r % v);
      coded[r] += static_cast<double>(x);
      vectors[r] -= x;
    }
  }

  void code_column(const double* w, std::size_t q, const Books& books, double* coded) {
    if (q < out_.outliers) {
      std::vector<float> vectors = padded(w, options_.outlier_v);
      return code_with(books.outlier, vectors, out_.outlier.indices, coded);
    }
    const std::uint64_t g = group_of(q);
    std::vector<float> vectors = padded(w, options_.v);
    code_with(books.first[g], vectors, out_.groups[g].indices, coded);
    if (!books.residual.empty()) {
      code_with(books.residual[g], vectors, out_.groups[g].residuals, coded);
    }
  }

  void measure(Weights coded) {
    factor_ = {};
    out_.bits_per_weight = bits_per_weight(out_.rows, out_.columns, out_.outliers, options_);
    Weights given = load_();
    const double whole = weighted_square(given_h_, given.cells, out_.rows, options_.threads);
    const auto relative = [&](const std::vector<double>& difference) {
      const double error = weighted_square(given_h_, difference, out_.rows, options_.threads);
      return whole > 0 ? error / whole : 0.0;
    };
    for (std::size_t p = 0; p < out_.columns; ++p) {
      const std::size_t c = out_.order[p];
      const double scale = out_.scale.empty() ? 1.0 : static_cast<double>(out_.scale[c]);
      const double bias = out_.bias.empty() ? 0.0 : static_cast<double>(out_.bias[c]);
      for (std::size_t r = 0; r < out_.rows; ++r) {
        given.column(c)[r] -= coded.column(p)[r] * scale + bias;
      }
    }
    out_.proxy_error = relative(given.cells);
    coded = {};
    given = load_();
    const auto bits = static_cast<unsigned>(std::max(1.0, std::floor(out_.bits_per_weight)));
    Weights rtn = round_to_nearest(given, bits, options_.threads);
    for (std::size_t i = 0; i < rtn.cells.size(); ++i) rtn.cells[i] -= given.cells[i];
    out_.rtn_proxy_error = relative(rtn.cells);
  }

  const std::function<Weights()>& load_;
  const Square& given_h_;
  const Square* inverse_;
  DType type_;
  const QuantOptions& options_;
  QuantizedLayer out_;
  Weights work_;  // columns in coding order
  std::vector<double> diagonal_, column_weights_;
  Square factor_;  // empty with the identity: no column tells anything about another
};

}  // namespace

double bits_per_weight(std::uint64_t rows, std::uint64_t columns, std::uint64_t outliers,
                       const QuantOptions& o) {
  const auto m = static_cast<double>(rows), n = static_cast<double>(columns);
  const auto first = static_cast<double>(outliers);
  const double residual = o.residual_k > 0 ? static_cast<double>(o.residual_k) : 0;
  const double residual_bits = o.residual_k > 0 ? log2_of(o.residual_k) : 0;
  double codebooks = static_cast<double>(o.v) * (static_cast<double>(o.k) + residual) *
                     static_cast<double>(o.groups);
  double indices = m * (n - first) / static_cast<double>(o.v) * (log2_of(o.k) + residual_bits);
  if (outliers > 0) {
    codebooks += static_cast<double>(o.outlier_v * o.outlier_k);
    indices += m * first / static_cast<double>(o.outlier_v) * log2_of(o.outlier_k);
  }
  return (16 * codebooks + indices) / (m * n);
}

std::uint64_t outlier_columns(std::uint64_t columns, const QuantOptions& options) {
  return static_cast<std::uint64_t>(
      std::floor(static_cast<double>(columns) * options.outlier_percent / 100));
}

QuantizedLayer quantize_layer(const std::function<Weights()>& load, const Square& h,
                              const Square* inverse, DType centroid_type,
                              const QuantOptions& options) {
  return LayerQuantizer(load, h, inverse, centroid_type, options).run();
}

// The largest of the moments at which most is held: factoring (3 squares beside H), k-means (the
// vectors as floats, 36 bytes for each in its tables), and two matrices side by side.
std::uint64_t quantize_memory(std::uint64_t rows, std::uint64_t columns, bool hessian, bool inverse,
                              const QuantOptions& options) {
  const std::uint64_t matrix = 8 * rows * columns, square = 8 * columns * columns;
  const std::uint64_t given = (hessian ? square : 0) + (inverse ? square : 0);
  const std::uint64_t factor = hessian ? square : 0;
  const std::uint64_t vectors = matrix / 2 + 36 * (rows / options.v + 1) * columns;
  const std::uint64_t residual = options.residual_k > 0 ? matrix : 0;
  const std::uint64_t indices = (residual > 0 ? 8 : 4) * (rows / options.v + 1) * columns;
  return given + std::max({2 * matrix + factor + indices, matrix + 2 * factor,
                           matrix + residual + factor + vectors});
}

Weights round_to_nearest(const Weights& weights, unsigned bits, int threads) {
  constexpr int kClips = 100;
  Weights out = weights;
  const double steps = std::ldexp(1.0, static_cast<int>(bits)) - 1;
  core::parallel_for(weights.rows, threads, [&](std::uint64_t r) {
    const auto value = [&](std::size_t c) { return weights.column(c)[r]; };
    double largest = 0;
    for (std::size_t c = 0; c < weights.columns; ++c) {
      largest = std::max(largest, std::fabs(value(c)));
    }
    const auto rounded = [&](double x, double clip) {
      const double level = std::nearbyint((std::clamp(x, -clip, clip) + clip) / (2 * clip) * steps);
      return level / steps * 2 * clip - clip;
    };
    if (largest == 0) return;
    double best = std::numeric_limits<double>::infinity(), best_clip = largest;
    for (int i = 1; i <= kClips; ++i) {
      const double clip = largest * i / kClips;
      double error = 0;
      for (std::size_t c = 0; c < weights.columns; ++c) {
        const double d = value(c) - rounded(value(c), clip);
        error += d * d;
      }
      if (error < best) {
        best = error;
        best_clip = clip;
      }
    }
    for (std::size_t c = 0; c < weights.columns; ++c) {
      out.column(c)[r] = rounded(value(c), best_clip);
    }
  });
  return out;
}

}  // namespace stateutils::ckpt::quant
