#include "qmc/kernels.hpp"

#include <cmath>

#include "core/error.hpp"
#include "known_answers.hpp"
#include "qmc/discrepancy.hpp"
#include "qmc/gaussian_process.hpp"
#include "qmc/linear_algebra.hpp"
#include "qmc/transforms.hpp"

namespace stateutils::qmc {
namespace {

void check_close(double a, double b, double tolerance) {
  CHECK(std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b)));
}

}  // namespace

TEST_CASE("transforms of 16 values") {
  const auto file = kat_json("known-answers.json");
  const auto& known = file["transforms"];
  const auto input = known["input"].get<std::vector<double>>();
  auto y = input;
  fwht(y);
  const auto x = fftbr(input);
  for (std::size_t i = 0; i < 16; ++i) {
    check_close(y[i], known["fwht_orthonormal"][i].get<double>(), 1e-14);
    check_close(x[i].real(), known["fftbr_orthonormal_re"][i].get<double>(), 1e-14);
    check_close(x[i].imag(), known["fftbr_orthonormal_im"][i].get<double>(), 1e-14);
  }
  fwht(y);
  const auto back = ifftbr(x);
  for (std::size_t i = 0; i < 16; ++i) {
    check_close(y[i], input[i], 1e-14);
    check_close(back[i].real(), input[i], 1e-14);
    check_close(back[i].imag(), 0, 1e-14);
  }
}

TEST_CASE("kernels in one dimension") {
  const auto file = kat_json("known-answers.json");
  for (const char* key : {"si_kernel_1d", "dsi_kernel_1d"}) {
    for (const auto& row : file[key]) {
      const auto word = static_cast<std::uint64_t>(row["x"].get<double>() * 0x1p64);
      for (unsigned alpha = 1; alpha <= 4; ++alpha) {
        const double expected = row["K" + std::to_string(alpha)].get<double>();
        const double k = key[0] == 's' ? si_kernel(alpha, word) : dsi_kernel(alpha, word);
        check_close(k, expected, 1e-13);
      }
    }
  }
  // Higher orders by recursion agree with the closed forms.
  for (const double u : {0.0, 0.1, 0.5, 0.77}) {
    check_close(bernoulli(10, u),
                std::pow(u, 10) - 5 * std::pow(u, 9) + 7.5 * std::pow(u, 8) - 7 * std::pow(u, 6) +
                    5 * std::pow(u, 4) - 1.5 * u * u + 5.0 / 66,
                1e-13);
  }
}

TEST_CASE("Gram systems of 16 points") {
  const auto file = kat_json("known-answers.json");
  for (const char* key : {"si_gram", "dsi_gram"}) {
    const auto& known = file[key];
    const bool lattice = key[0] == 's';
    KernelSpec kernel;
    kernel.type = lattice ? KernelType::kShiftInvariant : KernelType::kDigital;
    kernel.alpha = {1, 2, 3};
    kernel.gamma = {1, 0.5, 0.25};
    const PointSet set(spec_of(lattice ? "lattice" : "sobol", 3, "none"));
    const auto column = first_column(kernel, *set.replication(0), 16);
    std::vector<double> y(16);
    for (std::size_t i = 0; i < 16; ++i) y[i] = std::cos(static_cast<double>(i));
    const Gram gram(kernel.type, column, 0);
    const auto product = gram.multiply(y), solution = gram.solve(y);
    for (std::size_t i = 0; i < 16; ++i) {
      check_close(column[i], known["first_column"][i].get<double>(), 1e-12);
      check_close(product[i], known["K_times_y"][i].get<double>(), 1e-12);
      check_close(solution[i], known["K_solve_y"][i].get<double>(), 1e-12);
    }
    check_close(gram.log_determinant(), known["logdet"].get<double>(), 1e-12);
  }
}

TEST_CASE("discrepancies as SciPy has them") {
  const auto file = kat_json("known-answers.json");
  const auto& known = file["discrepancy"];
  const auto x = doubles_of(spec_of("sobol", 4, "none"), 0, 32);
  const auto d2 = [&](DiscrepancyKind kind) { return squared_discrepancy(kind, x, 4, {}, 1); };
  check_close(d2(DiscrepancyKind::kCentered), known["CD"].get<double>(), 1e-12);
  check_close(d2(DiscrepancyKind::kWrapAround), known["WD"].get<double>(), 1e-12);
  check_close(d2(DiscrepancyKind::kMixture), known["MD"].get<double>(), 1e-12);
  check_close(std::sqrt(d2(DiscrepancyKind::kL2Star)), known["L2-star"].get<double>(), 1e-12);
}

namespace {

// Dense twin: K + noise I, its Cholesky factor, (K + noise I)^-1 b.
struct Dense {
  std::size_t n;
  std::vector<double> factor;
  Dense(const std::vector<double>& k, std::size_t size, double noise) : n(size), factor(k) {
    for (std::size_t i = 0; i < n; ++i) factor[i * n + i] += noise;
    factor = cholesky(factor, n);
  }
  [[nodiscard]] std::vector<double> solve(std::vector<double> b) const {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) b[i] -= factor[i * n + j] * b[j];
      b[i] /= factor[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t j = i + 1; j < n; ++j) b[i] -= factor[j * n + i] * b[j];
      b[i] /= factor[i * n + i];
    }
    return b;
  }
  [[nodiscard]] double log_determinant() const {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += 2 * std::log(factor[i * n + i]);
    return sum;
  }
};

double dense_kernel(const KernelSpec& kernel, const std::uint64_t* x, const std::uint64_t* z) {
  double value = kernel.scale;
  for (std::size_t j = 0; j < kernel.gamma.size(); ++j) {
    const bool si = kernel.type == KernelType::kShiftInvariant;
    value *= 1 + kernel.gamma[j] * (si ? si_kernel(kernel.alpha[j], x[j] - z[j])
                                       : dsi_kernel(kernel.alpha[j], x[j] ^ z[j]));
  }
  return value;
}

double dense_loss(const KernelSpec& kernel, const std::vector<std::uint64_t>& points,
                  const std::vector<double>& y) {
  const std::size_t n = y.size(), d = kernel.gamma.size();
  std::vector<double> k(n * n);
  for (std::size_t i = 0; i < n * n; ++i) {
    k[i] = dense_kernel(kernel, &points[i / n * d], &points[i % n * d]);
  }
  const Dense dense(k, n, kernel.noise);
  const auto coef = dense.solve(y);
  double quadratic = 0;
  for (std::size_t i = 0; i < n; ++i) quadratic += y[i] * coef[i];
  return 0.5 * (quadratic + dense.log_determinant() +
                static_cast<double>(n) * std::log(2 * std::acos(-1.0)));
}

}  // namespace

TEST_CASE("a fitted process is a local minimum of the dense loss, and predicts as the dense one") {
  constexpr std::size_t kSize = 64;
  for (const char* sequence : {"lattice", "sobol"}) {
    CAPTURE(sequence);
    KernelSpec start;
    start.type = sequence[0] == 'l' ? KernelType::kShiftInvariant : KernelType::kDigital;
    start.alpha = {1, 2};
    start.gamma = {1, 1};
    start.noise = 0.1;
    const PointSet set(spec_of(sequence, 2, "none"));
    const auto points = set.replication(0);
    std::vector<double> x(2 * kSize), y(kSize);
    points->fill(0, kSize, Format::kF64, x.data());
    for (std::size_t i = 0; i < kSize; ++i) {
      const double noise = static_cast<double>(i * 2654435761u % 1000) / 1000 - 0.5;
      y[i] = std::sin(6.283 * x[2 * i]) + x[2 * i + 1] * (1 - x[2 * i + 1]) + 0.05 * noise;
    }
    for (const FitRule rule : {FitRule::kLikelihood, FitRule::kCrossValidation}) {
      const GaussianProcess fitted = fit_process(start, *points, y, rule);
      CHECK(fitted.kernel.noise > 0);
      if (rule == FitRule::kLikelihood) {
        const double best = dense_loss(fitted.kernel, fitted.points, y);
        CHECK(fitted.loss == doctest::Approx(best).epsilon(1e-10));
        CHECK(best < dense_loss(start, fitted.points, y));
        for (int move = 0; move < 8; ++move) {
          KernelSpec other = fitted.kernel;
          double& value = move / 2 < 2    ? other.gamma[static_cast<std::size_t>(move / 2)]
                          : move / 2 == 2 ? other.scale
                                          : other.noise;
          value *= move % 2 == 0 ? 1.02 : 0.98;
          CHECK(dense_loss(other, fitted.points, y) > best - 1e-7);
        }
      }
      // Predictions at points between and at the next points of the sequence.
      std::vector<std::uint64_t> next(2 * kSize);
      points->fill(kSize, kSize, Format::kU64, next.data());
      const Prediction direct = predict(fitted, next, 1), fast = predict_next(fitted, next);
      std::vector<double> k(kSize * kSize);
      for (std::size_t i = 0; i < k.size(); ++i) {
        k[i] = dense_kernel(fitted.kernel, &fitted.points[i / kSize * 2],
                            &fitted.points[i % kSize * 2]);
      }
      const Dense dense(k, kSize, fitted.kernel.noise);
      for (std::size_t q = 0; q < kSize; q += 7) {
        std::vector<double> cross(kSize);
        for (std::size_t i = 0; i < kSize; ++i) {
          cross[i] = dense_kernel(fitted.kernel, &next[2 * q], &fitted.points[2 * i]);
        }
        const auto weights = dense.solve(cross);
        double mean = 0, variance = k[0];
        for (std::size_t i = 0; i < kSize; ++i) {
          mean += weights[i] * y[i];
          variance -= weights[i] * cross[i];
        }
        CHECK(direct.mean[q] == doctest::Approx(mean).epsilon(1e-10));
        CHECK(direct.variance[q] == doctest::Approx(variance).epsilon(1e-8));
        CHECK(fast.mean[q] == doctest::Approx(mean).epsilon(1e-8));
        CHECK(fast.variance[q] == doctest::Approx(variance).epsilon(1e-8));
      }
      next[2] ^= 1ull << 60;
      CHECK_THROWS_AS((void)predict_next(fitted, next), core::Error);
    }
  }
}

TEST_CASE("worst-case error is the mean of the whole matrix less its scale") {
  for (const char* sequence : {"lattice", "sobol"}) {
    KernelSpec kernel;
    kernel.type = sequence[0] == 'l' ? KernelType::kShiftInvariant : KernelType::kDigital;
    kernel.alpha = {2, 1, 3};
    kernel.gamma = {1, 0.5, 0.25};
    kernel.scale = 2;
    const auto words = words_of(spec_of(sequence, 3, "none"), 0, 32);
    double sum = 0;
    for (std::size_t i = 0; i < 32 * 32; ++i) {
      sum += dense_kernel(kernel, &words[i / 32 * 3], &words[i % 32 * 3]);
    }
    const PointSet set(spec_of(sequence, 3, "none"));
    CHECK(squared_worst_case(kernel, *set.replication(0), 32) ==
          doctest::Approx(sum / 1024 - 2).epsilon(1e-9));
  }
}

}  // namespace stateutils::qmc
