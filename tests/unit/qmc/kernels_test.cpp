#include "qmc/kernels.hpp"

#include <cmath>

#include "known_answers.hpp"
#include "qmc/discrepancy.hpp"
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

}  // namespace stateutils::qmc
