#include "qmc/netb.hpp"

namespace stateutils::qmc {

unsigned digit_count(std::uint32_t base) {
  // ceil(53 ln 2 / ln b) is the least T with b^T >= 2^53.
  unsigned digits = 0;
  for (std::uint64_t power = 1; power < 1ull << 53; power *= base) ++digits;
  return digits + 1;
}

bool is_prime(std::uint32_t n) {
  if (n < 4) return n >= 2;
  if (n % 2 == 0) return false;
  for (std::uint32_t p = 3; p <= n / p; p += 2) {
    if (n % p == 0) return false;
  }
  return true;
}

std::vector<std::uint32_t> first_primes(std::uint32_t count) {
  std::vector<std::uint32_t> primes;
  primes.reserve(count);
  const auto divides_some = [&primes](std::uint32_t n) {
    for (const std::uint32_t p : primes) {
      if (p > n / p) return false;
      if (n % p == 0) return true;
    }
    return false;
  };
  for (std::uint32_t n = 2; primes.size() < count; ++n) {
    if (!divides_some(n)) primes.push_back(n);
  }
  return primes;
}

DigitMatrix faure_matrix(std::uint32_t base, std::uint32_t dim) {
  const unsigned t = digit_count(base);
  DigitMatrix matrix{base, t, t, std::vector<std::uint32_t>(std::size_t{t} * t)};
  if (dim == 0) {
    matrix.digits.clear();  // P^0
    return matrix;
  }
  // Column by column: P^j[r][c] = P^j[r-1][c-1] + j P^j[r][c-1], from C(c,r) = C(c-1,r-1)+C(c-1,r).
  for (unsigned c = 0; c < t; ++c) {
    for (unsigned r = 0; r <= c; ++r) {
      std::uint64_t value = r == 0 && c == 0 ? 1 : 0;
      if (c > 0 && r > 0) value += matrix.digits[(r - 1) * t + c - 1];
      if (c > 0) value += std::uint64_t{dim} * matrix.digits[r * t + c - 1];
      matrix.digits[r * t + c] = static_cast<std::uint32_t>(value % base);
    }
  }
  return matrix;
}

}  // namespace stateutils::qmc
