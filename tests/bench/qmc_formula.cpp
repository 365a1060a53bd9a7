// formula [POINTS]: formulas against a plain walk over their trees with the C library's functions,
// in turn, a JSON line each: nanoseconds a point of both and their ratio.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/rng.hpp"
#include "qmc/formula.hpp"

namespace {

struct Tree {
  char op;  // + - * / ^, n(egate), e(xp), l(og), s(in), c(os), q (square root), a(bs), x, or # a
            // constant
  double value;
  std::unique_ptr<Tree> a, b;

  [[nodiscard]] double at(const double* x) const {  // NOLINT(misc-no-recursion)
    switch (op) {
      case '#':
        return value;
      case 'x':
        return x[static_cast<std::size_t>(value)];
      case '+':
        return a->at(x) + b->at(x);
      case '-':
        return a->at(x) - b->at(x);
      case '*':
        return a->at(x) * b->at(x);
      case '/':
        return a->at(x) / b->at(x);
      case '^':
        return std::pow(a->at(x), b->at(x));
      case 'n':
        return -a->at(x);
      case 'e':
        return std::exp(a->at(x));
      case 'l':
        return std::log(a->at(x));
      case 's':
        return std::sin(a->at(x));
      case 'c':
        return std::cos(a->at(x));
      case 'a':
        return std::abs(a->at(x));
      default:
        return std::sqrt(a->at(x));
    }
  }
};

using Part = std::unique_ptr<Tree>;
Part leaf(char op, double value) {
  return std::make_unique<Tree>(Tree{op, value, nullptr, nullptr});
}
Part x(int j) {
  return leaf('x', j - 1);
}
Part c(double value) {
  return leaf('#', value);
}
Part node(char op, Part a, Part b = nullptr) {
  return std::make_unique<Tree>(Tree{op, 0, std::move(a), std::move(b)});
}
Part sum(int terms, char op, const std::function<Part(int)>& term) {
  Part all = term(1);
  for (int i = 2; i <= terms; ++i) all = node(op, std::move(all), term(i));
  return all;
}

struct Case {
  std::string text;
  std::size_t d;
  Part tree;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto square = [](Part part) { return node('^', std::move(part), c(2)); };
  all.push_back(
      {"sqrt(sum(i,1,d,x[i]^2))", 5, node('q', sum(5, '+', [&](int i) { return square(x(i)); }))});
  all.push_back({"sin(x1) + 7*sin(x2)^2 + 0.1*x3^4*sin(x1)", 3,
                 node('+', node('+', node('s', x(1)), node('*', c(7), square(node('s', x(2))))),
                      node('*', node('*', c(0.1), node('^', x(3), c(4))), node('s', x(1))))});
  all.push_back(
      {"exp(-sum(i,1,d,(x[i]-0.5)^2))", 5,
       node('e', node('n', sum(5, '+', [&](int i) { return square(node('-', x(i), c(0.5))); })))});
  all.push_back({"cos(sum(i,1,d,i*x[i]))", 4,
                 node('c', sum(4, '+', [&](int i) { return node('*', c(i), x(i)); }))});
  all.push_back(
      {"exp(x1)*sin(x2) + log(1+x3)*cos(x1*x2)", 3,
       node('+', node('*', node('e', x(1)), node('s', x(2))),
            node('*', node('l', node('+', c(1), x(3))), node('c', node('*', x(1), x(2)))))});
  all.push_back({"prod(i,1,d,(abs(4*x[i]-2)+i)/(1+i))", 6, sum(6, '*', [&](int i) {
                   return node('/',
                               node('+', node('a', node('-', node('*', c(4), x(i)), c(2))), c(i)),
                               node('+', c(1), c(i)));
                 })});
  all.push_back({"x1^2.5 + x2^x3", 3, node('+', node('^', x(1), c(2.5)), node('^', x(2), x(3)))});
  return all;
}

double seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace stateutils;
  constexpr int kRounds = 15;
  const std::size_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1 << 16;
  for (const Case& test : cases()) {
    std::vector<double> points(rows * test.d), fast(rows), slow(rows);
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto words = core::philox4x32({static_cast<std::uint32_t>(i), 0, 0, 0}, 1, 0);
      points[i] = (words[0] + 0.5) * 0x1p-32;
    }
    const qmc::Formula formula(test.text, test.d);
    double fast_s = 1e9, slow_s = 1e9, difference = 0;
    for (int round = 0; round < kRounds; ++round) {
      double start = seconds();
      constexpr std::size_t kPart = 1024;  // as `integrate` calls it
      for (std::size_t from = 0; from < rows; from += kPart) {
        formula.evaluate(&points[from * test.d], std::min(kPart, rows - from), &fast[from]);
      }
      fast_s = std::min(fast_s, seconds() - start);
      start = seconds();
      for (std::size_t i = 0; i < rows; ++i) slow[i] = test.tree->at(&points[i * test.d]);
      slow_s = std::min(slow_s, seconds() - start);
    }
    for (std::size_t i = 0; i < rows; ++i) {
      difference = std::max(difference, std::abs(fast[i] - slow[i]) / (1 + std::abs(slow[i])));
    }
    const double scale = 1e9 / static_cast<double>(rows);
    std::printf(
        "{\"formula\":\"%s\",\"ns\":%.3f,\"tree_ns\":%.3f,\"ratio\":%.2f,\"difference\":%.1e}\n",
        test.text.c_str(), fast_s * scale, slow_s * scale, slow_s / fast_s, difference);
  }
  return 0;
}
