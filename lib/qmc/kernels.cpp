#include "qmc/kernels.hpp"

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <type_traits>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/threads.hpp"
#include "core/units.hpp"

namespace stateutils::qmc {
namespace {

double power(double x, unsigned e) {
  double result = 1;
  for (unsigned i = 0; i < e; ++i) result *= x;
  return result;
}

// sum_{a >= 0} (-1)^(digit a+1) 8^-a; digits beyond 22 do not reach a double.
double signed_octal_sum(std::uint64_t word) {
  double sum = 0, weight = 1;
  for (int a = 0; a < 22; ++a, weight /= 8, word <<= 1) sum += word >> 63 ? -weight : weight;
  return sum;
}

std::vector<double> per_dimension(const nlohmann::json& value, std::size_t d,
                                  const std::string& what) {
  std::vector<double> out;
  if (value.is_number()) return std::vector<double>(d, value.get<double>());
  if (!value.is_array()) throw core::usage_error(what + " must be a number or an array");
  for (const auto& entry : value) {
    if (!entry.is_number()) throw core::usage_error(what + " must hold numbers");
    out.push_back(entry.get<double>());
  }
  if (out.size() != d) {
    throw core::usage_error(what + " has " + std::to_string(out.size()) + " entries for " +
                            std::to_string(d) + " dimensions");
  }
  return out;
}

double positive(const nlohmann::json& value, const std::string& what, bool zero) {
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!(number > 0 || (zero && number == 0)) || !std::isfinite(number)) {
    throw core::usage_error(what + (zero ? " must not be negative" : " must be positive"));
  }
  return number;
}

}  // namespace

KernelSpec parse_kernel(const std::string& json, const std::string& name, std::size_t d) {
  const nlohmann::json value = core::parse_json(json, name);
  if (!value.is_object()) throw core::usage_error(name + ": an object expected");
  KernelSpec kernel;
  kernel.alpha.assign(d, 1);
  kernel.gamma.assign(d, 1);
  bool typed = false;
  for (const auto& [key, entry] : value.items()) {
    const std::string what = name + ": " + key;
    if (key == "type") {
      typed = entry == "si" || entry == "dsi";
      kernel.type = entry == "si" ? KernelType::kShiftInvariant : KernelType::kDigital;
    } else if (key == "alpha") {
      const auto orders = per_dimension(entry, d, what);
      for (std::size_t j = 0; j < d; ++j) {
        if (!(orders[j] >= 1 && orders[j] <= 20) || orders[j] != std::floor(orders[j])) {
          throw core::usage_error(what + " must hold integers from 1");
        }
        kernel.alpha[j] = static_cast<unsigned>(orders[j]);
      }
    } else if (key == "gamma") {
      kernel.gamma = per_dimension(entry, d, what);
      for (const double g : kernel.gamma) {
        if (!(g >= 0)) throw core::usage_error(what + " must not be negative");
      }
    } else if (key == "scale") {
      kernel.scale = positive(entry, what, false);
    } else if (key == "noise") {
      kernel.noise = positive(entry, what, true);
    } else {
      throw core::usage_error(name + ": unknown key " + core::quoted(key));
    }
  }
  if (!typed) throw core::usage_error(name + ": \"type\" must be \"si\" or \"dsi\"");
  for (const unsigned a : kernel.alpha) {
    if (kernel.type == KernelType::kDigital && a > 4) {
      throw core::usage_error(name + ": digital kernels have order 1 to 4");
    }
  }
  return kernel;
}

// B_n(u) = sum_k C(n,k) B_k u^(n-k), the numbers by their recursion.
double bernoulli(unsigned degree, double u) {
  switch (degree) {  // the common ones, by Horner's rule in v = u (1 - u)
    case 2:
      return u * (u - 1) + 1.0 / 6;
    case 4: {
      const double v = u * (1 - u);
      return v * v - 1.0 / 30;
    }
    case 6: {
      const double v = u * (1 - u);
      return -v * v * (v + 0.5) + 1.0 / 42;
    }
    case 8: {
      const double v = u * (1 - u);
      return v * v * ((v + 4.0 / 3) * v + 2.0 / 3) - 1.0 / 30;
    }
    default:
      break;
  }
  std::vector<double> numbers(degree + 1), binomial(degree + 2);
  for (unsigned n = 0; n <= degree; ++n) {
    double sum = n == 0 ? 1 : 0, choose = 1;
    for (unsigned k = 0; k < n; ++k) {
      sum -= choose * numbers[k] / (n + 1);
      choose = choose * (n + 1 - k) / (k + 1);
    }
    numbers[n] = sum;
  }
  double value = 0, choose = 1;
  for (unsigned k = 0; k <= degree; ++k) {
    value += choose * numbers[k] * power(u, degree - k);
    choose = choose * (degree - k) / (k + 1);
  }
  return value;
}

// (-1)^(alpha+1) (2 pi)^(2 alpha) / (2 alpha)!
double si_factor(unsigned alpha) {
  double factor = alpha % 2 == 1 ? 1 : -1;
  for (unsigned k = 1; k <= 2 * alpha; ++k) factor *= 2 * std::numbers::pi / k;
  return factor;
}

// B_2alpha. Even about 1/2: the smaller of u and 1 - u keeps digits near both ends.
double si_shape(unsigned alpha, std::uint64_t word) {
  const std::uint64_t folded = word >> 63 ? 0 - word : word;
  return bernoulli(2 * alpha, static_cast<double>(folded) * 0x1p-64);
}

double si_kernel(unsigned alpha, std::uint64_t word) {
  return si_factor(alpha) * si_shape(alpha, word);
}

namespace {

template <unsigned kAlpha>
double digital_value(std::uint64_t word) {
  constexpr double kAtZero[] = {1, 1.5, 25.0 / 18, 407.0 / 294};
  if (word == 0) return kAtZero[kAlpha - 1];
  const double x = static_cast<double>(word) * 0x1p-64;
  const int bits = std::countl_zero(word) + 1;  // -floor(log2 x)
  const auto beta = static_cast<double>(bits);
  const auto exponent = static_cast<std::uint64_t>(1023 - bits);  // of 2^-bits
  const double t1 = std::bit_cast<double>(exponent << 52), t2 = t1 * t1, t3 = t2 * t1;
  if constexpr (kAlpha == 1) {
    return 1 - 3 * t1;
  } else if constexpr (kAlpha == 2) {
    return -beta * x + 2.5 * (1 - t1) - 1;
  } else if constexpr (kAlpha == 3) {
    return beta * x * x - 5 * (1 - t1) * x + 43.0 / 18 * (1 - t2) - 1;
  } else {
    return -2.0 / 3 * beta * x * x * x + 5 * (1 - t1) * x * x - 43.0 / 9 * (1 - t2) * x +
           701.0 / 294 * (1 - t3) + beta * (signed_octal_sum(word) / 48 - 1.0 / 42) - 1;
  }
}

// Calls action with the order as a type, so that a loop inside knows it.
template <class Action>
auto with_digital_order(unsigned alpha, const Action& action) {
  switch (alpha) {
    case 1:
      return action(std::integral_constant<unsigned, 1>());
    case 2:
      return action(std::integral_constant<unsigned, 2>());
    case 3:
      return action(std::integral_constant<unsigned, 3>());
    default:
      return action(std::integral_constant<unsigned, 4>());
  }
}

}  // namespace

double dsi_kernel(unsigned alpha, std::uint64_t word) {
  return with_digital_order(alpha, [word](auto order) { return digital_value<order>(word); });
}

std::vector<std::vector<double>> kernel_factors(const KernelSpec& kernel, const Points& points,
                                                std::size_t n) {
  constexpr std::size_t kTile = 512;  // rows that are made together
  const std::size_t d = kernel.alpha.size();
  std::vector<std::vector<double>> factors(d, std::vector<double>(n));
  std::vector<std::uint64_t> origin(d), words(std::min(n, kTile) * d);
  points.fill(0, 1, Format::kU64, origin.data());
  for (std::size_t done = 0; done < n; done += kTile) {
    const std::size_t rows = std::min(n - done, kTile);
    points.fill(done, rows, Format::kU64, words.data());
    for (std::size_t j = 0; j < d; ++j) {
      const unsigned alpha = kernel.alpha[j];
      const std::uint64_t* x = words.data() + j;
      const std::uint64_t z = origin[j];
      double* out = factors[j].data() + done;
      if (kernel.type == KernelType::kShiftInvariant) {
        const double factor = si_factor(alpha);
        for (std::size_t i = 0; i < rows; ++i) out[i] = factor * si_shape(alpha, x[i * d] - z);
      } else {
        with_digital_order(alpha, [&](auto order) {
          for (std::size_t i = 0; i < rows; ++i) out[i] = digital_value<order>(x[i * d] ^ z);
        });
      }
    }
  }
  return factors;
}

std::vector<double> first_column(const KernelSpec& kernel, const Points& points, std::size_t n) {
  const auto factors = kernel_factors(kernel, points, n);
  std::vector<double> column(n, kernel.scale);
  for (std::size_t j = 0; j < factors.size(); ++j) {
    for (std::size_t i = 0; i < n; ++i) column[i] *= 1 + kernel.gamma[j] * factors[j][i];
  }
  return column;
}

double squared_worst_case(const KernelSpec& kernel, const Points& points, std::size_t n) {
  const auto factors = kernel_factors(kernel, points, n);
  std::vector<double> column(n);
  for (std::size_t j = 0; j < factors.size(); ++j) {
    // K / scale - 1: (1 + c)(1 + t) - 1 without the cancellation.
    for (std::size_t i = 0; i < n; ++i) {
      const double t = kernel.gamma[j] * factors[j][i];
      column[i] = column[i] * (1 + t) + t;
    }
  }
  return kernel.scale * core::pairwise_sum(column) / static_cast<double>(n);
}

Gram::Gram(KernelType type, std::span<const double> column, double diagonal)
    : type_(type), n_(column.size()), lambda_(column.begin(), column.end()) {
  const double root = std::sqrt(static_cast<double>(n_));
  if (type_ == KernelType::kDigital) {
    fwht(lambda_);
  } else {
    fft_ = std::make_shared<const FftBr>(n_);
    lambda_.assign(n_ / 2 + 1, 0);
    std::vector<double> im(n_ / 2 + 1);  // zero: the column is even
    fft_->forward(column, lambda_, im);
  }
  for (double& value : lambda_) value = value * root + diagonal;
}

std::vector<double> Gram::eigenvalues() const {
  std::vector<double> all(n_);
  for (std::size_t k = 0; k < n_; ++k) {
    all[k] = lambda_[type_ == KernelType::kDigital || k <= n_ / 2 ? k : n_ - k];
  }
  return all;
}

void Gram::require_positive() const {
  for (std::size_t k = 0; k < lambda_.size(); ++k) {
    if (lambda_[k] > 0) continue;
    throw core::input_error({"kernel"}, "eigenvalue " + std::to_string(k) + " is " +
                                            core::format_double(lambda_[k]) +
                                            ": not positive definite; --jitter may help");
  }
}

std::vector<double> Gram::apply(std::span<const double> y, bool inverse) const {
  std::vector<double> out(y.begin(), y.end());
  if (type_ == KernelType::kDigital) {
    fwht(out);
    for (std::size_t k = 0; k < n_; ++k)
      out[k] = inverse ? out[k] / lambda_[k] : out[k] * lambda_[k];
    fwht(out);
    return out;
  }
  std::vector<double> re(n_ / 2 + 1), im(n_ / 2 + 1);
  fft_->forward(y, re, im);
  for (std::size_t k = 0; k < re.size(); ++k) {
    const double factor = inverse ? 1 / lambda_[k] : lambda_[k];
    re[k] *= factor;
    im[k] *= factor;
  }
  fft_->backward(re, im, out);
  return out;
}

std::vector<double> Gram::multiply(std::span<const double> y) const {
  return apply(y, false);
}

std::vector<double> Gram::solve(std::span<const double> y) const {
  require_positive();
  return apply(y, true);
}

double Gram::log_determinant() const {
  require_positive();
  double sum = 0;
  for (std::size_t k = 0; k < n_; ++k) {
    sum += std::log(lambda_[type_ == KernelType::kDigital || k <= n_ / 2 ? k : n_ - k]);
  }
  return sum;
}

}  // namespace stateutils::qmc
