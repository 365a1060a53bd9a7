#include "bench/families/contracts/catalog.hpp"

namespace stateutils::bench {
namespace {

constexpr NamedAlgorithm kNumberWork[] = {
    {"gcd", "the greatest common divisor of a and b, gcd(0, 0) being 0", "a=0..60 b=0..60",
     "return a >= 0 && b >= 0;",
     R"(if (a == 0 && b == 0) return result == 0;
  if (result < 1 || a % result != 0 || b % result != 0) return 0;
  for (int d = result + 1; d <= a || d <= b; ++d) if (a % d == 0 && b % d == 0) return 0;
  return 1;)",
     R"(int gcd(int a, int b) {
  while (b != 0) {
    int rest = a % b;
    a = b;
    b = rest;
  }
  return a;
})"},
    {"lcm", "the least common multiple of a and b", "a=1..20 b=1..20", "return a >= 1 && b >= 1;",
     R"(if (result < 1 || result % a != 0 || result % b != 0) return 0;
  for (int m = a; m < result; m += a) if (m % b == 0) return 0;
  return 1;)",
     R"(int lcm(int a, int b) {
  int x = a;
  int y = b;
  while (y != 0) {
    int rest = x % y;
    x = y;
    y = rest;
  }
  return a / x * b;
})"},
    {"root", "the largest number whose square is not above n", "n=0..40", "return n >= 0;",
     "return result >= 0 && result * result <= n && (result + 1) * (result + 1) > n;",
     R"(int root(int n) {
  int low = 0;
  int high = n + 1;
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    if (middle <= n / middle) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
})"},
    {"power", "b to the power of e", "b=-5..5 e=0..7", "return e >= 0;",
     R"(int want = 1;
  for (int i = 0; i < e; ++i) want *= b;
  return result == want;)",
     R"(int power(int b, int e) {
  int value = 1;
  while (e > 0) {
    if (e % 2 == 1) value = value * b;
    e = e / 2;
    if (e > 0) b = b * b;
  }
  return value;
})"},
    {"power_modulo", "b to the power of e, modulo m", "b=0..20 e=0..12 m=1..30",
     "return b >= 0 && e >= 0 && m >= 1;",
     R"(int want = 1 % m;
  for (int i = 0; i < e; ++i) want = want * b % m;
  return result == want;)",
     R"(int power_modulo(int b, int e, int m) {
  int value = 1 % m;
  int square = b % m;
  while (e > 0) {
    if (e % 2 == 1) value = value * square % m;
    square = square * square % m;
    e = e / 2;
  }
  return value;
})"},
    {"is_prime", "1 when n is prime, else 0", "n=0..60", "return n >= 0;",
     R"(int divisors = 0;
  for (int d = 1; d <= n; ++d) divisors += n % d == 0;
  return result == (divisors == 2);)",
     R"(int is_prime(int n) {
  if (n < 2) return 0;
  for (int d = 2; d * d <= n; ++d) {
    if (n % d == 0) return 0;
  }
  return 1;
})"},
    {"smallest_factor", "the smallest divisor of n above 1", "n=2..120", "return n >= 2;",
     R"(if (result < 2 || n % result != 0) return 0;
  for (int d = 2; d < result; ++d) if (n % d == 0) return 0;
  return 1;)",
     R"(int smallest_factor(int n) {
  int d = 2;
  while (d * d <= n) {
    if (n % d == 0) return d;
    d = d + 1;
  }
  return n;
})"},
    {"divisors", "how many divisors n has", "n=1..40", "return n >= 1;",
     R"(int left = result;
  for (int d = n; d >= 1; --d) if (n % d == 0) --left;
  return left == 0;)",
     R"(int divisors(int n) {
  int found = 0;
  for (int d = 1; d * d <= n; ++d) {
    if (n % d == 0) {
      found = found + 1;
      if (d != n / d) found = found + 1;
    }
  }
  return found;
})"},
    {"digit_sum", "the sum of the decimal digits of n", "n=0..9999", "return n >= 0;",
     R"(int left = result;
  int rest = n;
  for (int i = 0; i < 10; ++i) {
    left -= rest % 10;
    rest /= 10;
  }
  return left == 0;)",
     R"(int digit_sum(int n) {
  int total = 0;
  while (n > 0) {
    total = total + n % 10;
    n = n / 10;
  }
  return total;
})"},
    {"reverse_digits", "the number whose decimal digits are those of n from the end", "n=0..99999",
     "return n >= 0 && n <= 99999;",
     R"(int scale = 1;
  while (n / scale >= 10) scale *= 10;
  int low = 1;
  int want = 0;
  while (scale > 0) {
    want += n / scale % 10 * low;
    low *= 10;
    scale /= 10;
  }
  return result == want;)",
     R"(int reverse_digits(int n) {
  int back = 0;
  while (n > 0) {
    back = back * 10 + n % 10;
    n = n / 10;
  }
  return back;
})"},
    {"fibonacci", "the n-th Fibonacci number, the 0-th being 0 and the first 1", "n=0..24",
     "return n >= 0 && n <= 40;",
     R"(int f[42] = {0, 1};
  for (int i = 2; i <= n; ++i) f[i] = f[i - 1] + f[i - 2];
  return result == f[n];)",
     R"(int fibonacci(int n) {
  int now = 0;
  int next = 1;
  for (int i = 0; i < n; ++i) {
    int sum = now + next;
    now = next;
    next = sum;
  }
  return now;
})"},
    {"factorial", "n factorial", "n=0..12", "return n >= 0 && n <= 12;",
     R"(int rest = result;
  for (int i = n; i > 1; --i) {
    if (rest % i != 0) return 0;
    rest /= i;
  }
  return rest == 1;)",
     R"(int factorial(int n) {
  int value = 1;
  for (int i = 2; i <= n; ++i) {
    value = value * i;
  }
  return value;
})"},
    {"choose", "the number of k-element subsets of n things", "n=0..12 k=0..12",
     "return n >= 0 && n <= 20 && k >= 0;",
     R"(int row[22] = {1};
  for (int i = 1; i <= n; ++i) {
    for (int j = i; j >= 1; --j) row[j] += row[j - 1];
  }
  return result == (k > n ? 0 : row[k]);)",
     R"(int choose(int n, int k) {
  if (k > n) return 0;
  int value = 1;
  for (int i = 0; i < k; ++i) {
    value = value * (n - i) / (i + 1);
  }
  return value;
})"},
    {"bits", "how many bits of n are set", "n=0..1023", "return n >= 0;",
     R"(int left = result;
  for (int i = 0; i < 31; ++i) left -= n >> i & 1;
  return left == 0;)",
     R"(int bits(int n) {
  int set = 0;
  while (n != 0) {
    n = n & (n - 1);
    set = set + 1;
  }
  return set;
})"},
    {"log_two", "the largest e with 2 to the power of e not above n", "n=1..300", "return n >= 1;",
     R"(if (result < 0 || result > 29) return 0;
  return 1 << result <= n && n < 2 << result;)",
     R"(int log_two(int n) {
  int e = 0;
  while (n > 1) {
    n = n / 2;
    e = e + 1;
  }
  return e;
})"},
    {"collatz", "how many steps of n/2 for even and 3n+1 for odd numbers lead from n to 1",
     "n=1..30", "return n >= 1 && n <= 30;",
     R"(int at = n;
  for (int i = 0; i < result; ++i) {
    if (at == 1) return 0;
    at = at % 2 == 0 ? at / 2 : 3 * at + 1;
  }
  return result >= 0 && at == 1;)",
     R"(int collatz(int n) {
  int steps = 0;
  while (n != 1) {
    if (n % 2 == 0) {
      n = n / 2;
    } else {
      n = 3 * n + 1;
    }
    steps = steps + 1;
  }
  return steps;
})"},
    {"leap_year", "1 when year y of the Gregorian calendar is a leap year, else 0", "y=1580..2420",
     "return y >= 1;",
     R"(int want = y % 4 == 0;
  if (y % 100 == 0) want = y % 400 == 0;
  return result == want;)",
     R"(int leap_year(int y) {
  if (y % 400 == 0) return 1;
  if (y % 100 == 0) return 0;
  return y % 4 == 0;
})"},
    {"median_of_three", "the middle one of a, b and c", "a=-5..5 b=-5..5 c=-5..5", "return 1;",
     R"(if (result != a && result != b && result != c) return 0;
  int below = (a < result) + (b < result) + (c < result);
  int above = (a > result) + (b > result) + (c > result);
  return below <= 1 && above <= 1;)",
     R"(int median_of_three(int a, int b, int c) {
  if (a > b) {
    int kept = a;
    a = b;
    b = kept;
  }
  if (c <= a) return a;
  if (c >= b) return b;
  return c;
})"},
    {"clamp", "x, or the nearer of low and high when x is not between them",
     "x=-9..9 low=-5..2 high=0..6", "return low <= high;",
     R"(if (x < low) return result == low;
  if (x > high) return result == high;
  return result == x;)",
     R"(int clamp(int x, int low, int high) {
  if (x < low) return low;
  if (x > high) return high;
  return x;
})"},
};

}  // namespace

std::span<const NamedAlgorithm> number_algorithms() {
  return kNumberWork;
}

}  // namespace stateutils::bench
