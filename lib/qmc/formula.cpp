#include "qmc/formula.hpp"

#include <algorithm>
#include <bit>
#include <cctype>
#include <cmath>
#include <numbers>
#include <optional>

#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::qmc {
namespace {

constexpr std::size_t kBlockRows = 128;  // points evaluated together
constexpr std::size_t kMaxNodes = 1u << 20;
constexpr std::size_t kKeptConstants = 64;
constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxTerms = 1u << 21;  // of all series, which are written out

}  // namespace

bool Formula::constant(std::uint32_t node, double value) const {
  return nodes_[node].op == Op::kConstant && nodes_[node].value == value;
}

// Small whole and half exponents by multiplication, a square root and a reciprocal: within a few
// units of the last place.
std::optional<std::uint32_t> Formula::power(std::uint32_t base, std::uint32_t exponent) {
  constexpr double kMostExponent = 16;
  if (nodes_[exponent].op != Op::kConstant) return std::nullopt;
  const double value = nodes_[exponent].value;
  const double magnitude = std::abs(value), whole = std::floor(magnitude);
  if (value == 0 || magnitude > kMostExponent || 2 * magnitude != std::floor(2 * magnitude)) {
    return std::nullopt;
  }
  bool any = magnitude != whole;
  std::uint32_t square = base, result = any ? add(Op::kSqrt, base, base) : 0;
  for (auto rest = static_cast<unsigned>(whole); rest != 0; rest /= 2) {
    if (rest % 2 == 1) result = any ? add(Op::kMultiply, result, square) : square;
    any = any || rest % 2 == 1;
    if (rest > 1) square = add(Op::kMultiply, square, square);
  }
  return value > 0 ? result : add(Op::kDivide, add(Op::kConstant, 0, 0, 1), result);
}

// Shares equal nodes, folds constants and replaces costly forms by cheap ones of the same value
// (x / c by x (1/c) only where 1/c is exact).
std::uint32_t Formula::add(Op op, std::uint32_t a, std::uint32_t b, double value) {
  const bool unary = is_unary(op);
  if (!is_leaf(op)) {
    const Node x = nodes_[a], y = nodes_[b];
    if (x.op == Op::kConstant && (unary || y.op == Op::kConstant)) {
      double folded = 0;
      kFormulaScalar[op](&x.value, &y.value, 1, &folded);
      return add(Op::kConstant, 0, 0, folded);
    }
    if (op == Op::kMultiply && constant(a, 1)) return b;
    if ((op == Op::kMultiply || op == Op::kDivide) && constant(b, 1)) return a;
    if (op == Op::kPower) {
      if (const auto cheap = power(a, b)) return *cheap;
    }
    int exponent = 0;
    if (op == Op::kDivide && y.op == Op::kConstant && std::frexp(y.value, &exponent) == 0.5) {
      return add(Op::kMultiply, a, add(Op::kConstant, 0, 0, 1 / y.value));
    }
    if ((op == Op::kAdd || op == Op::kMultiply) && a > b) std::swap(a, b);
  }
  const auto key = std::make_tuple(op, a, unary ? a : b, std::bit_cast<std::uint64_t>(value));
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  if (nodes_.size() == kMaxNodes) throw core::usage_error("formula: more than 2^20 parts");
  nodes_.push_back({op, a, unary ? a : b, value});
  const auto index = static_cast<std::uint32_t>(nodes_.size() - 1);
  known_.emplace(key, index);
  return index;
}

class FormulaParser {
 public:
  FormulaParser(Formula& out, std::string_view text) : out_(out), text_(text) {}

  std::uint32_t parse() {
    const std::uint32_t node = comparison();
    skip();
    if (at_ != text_.size()) fail("unexpected text");
    return node;
  }

 private:
  using Op = Formula::Op;

  [[noreturn]] void fail(const std::string& message) const {
    throw core::usage_error("formula: character " + std::to_string(at_ + 1) + ": " + message);
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) fail("\"" + std::string(token) + "\" expected");
  }
  std::uint32_t constant(double value) { return out_.add(Op::kConstant, 0, 0, value); }

  std::uint32_t comparison() {
    if (++depth_ > kMaxDepth) fail("nested too deep");
    std::uint32_t node = sum();
    static constexpr std::pair<const char*, Op> kOps[] = {
        {"<=", Op::kLessEqual}, {">=", Op::kGreaterEqual}, {"==", Op::kEqual},
        {"!=", Op::kNotEqual},  {"<", Op::kLess},          {">", Op::kGreater}};
    for (const auto& [token, op] : kOps) {
      if (!take(token)) continue;
      node = out_.add(op, node, sum());
      break;
    }
    --depth_;
    return node;
  }
  std::uint32_t sum() {
    std::uint32_t node = product();
    for (;;) {
      if (take("+")) {
        node = out_.add(Op::kAdd, node, product());
      } else if (take("-")) {
        node = out_.add(Op::kSubtract, node, product());
      } else {
        return node;
      }
    }
  }
  std::uint32_t product() {
    std::uint32_t node = sign();
    for (;;) {
      if (take("*")) {
        node = out_.add(Op::kMultiply, node, sign());
      } else if (take("/")) {
        node = out_.add(Op::kDivide, node, sign());
      } else {
        return node;
      }
    }
  }
  std::uint32_t sign() {
    if (++depth_ > kMaxDepth) fail("nested too deep");
    std::uint32_t node = 0;
    if (take("-")) {
      const std::uint32_t inner = sign();
      node = out_.add(Op::kNegate, inner, inner);
    } else if (take("+")) {
      node = sign();
    } else {
      node = atom();
      if (take("^")) node = out_.add(Op::kPower, node, sign());
    }
    --depth_;
    return node;
  }
  std::uint32_t atom() {
    skip();
    if (take("(")) {
      const std::uint32_t node = comparison();
      expect(")");
      return node;
    }
    if (at_ < text_.size() &&
        (std::isdigit(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '.')) {
      return number();
    }
    const std::string name = identifier();
    if (name.empty()) fail("a number, a name or ( expected");
    return named(name);
  }
  std::uint32_t number() {
    std::size_t end = at_;
    const auto digit = [&](std::size_t i) {
      return i < text_.size() && std::isdigit(static_cast<unsigned char>(text_[i])) != 0;
    };
    while (digit(end) || (end < text_.size() && text_[end] == '.')) ++end;
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      std::size_t exponent = end + 1;
      if (exponent < text_.size() && (text_[exponent] == '-' || text_[exponent] == '+')) ++exponent;
      if (digit(exponent)) {
        while (digit(exponent)) ++exponent;
        end = exponent;
      }
    }
    std::string digits(text_.substr(at_, end - at_));
    if (digits.starts_with('.')) digits.insert(0, "0");
    if (digits.ends_with('.')) digits += '0';
    if (const std::size_t plus = digits.find("e+"); plus != std::string::npos)
      digits.erase(plus + 1, 1);
    const auto value = core::parse_double(digits);
    if (!value) fail("no number");
    at_ = end;
    return constant(*value);
  }
  std::string identifier() {
    std::size_t end = at_;
    while (end < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '_')) {
      ++end;
    }
    const std::string name(text_.substr(at_, end - at_));
    at_ = end;
    return name;
  }
  std::uint32_t named(const std::string& name) {
    if (const auto bound = bound_.find(name); bound != bound_.end()) return constant(bound->second);
    if (name == "pi") return constant(std::numbers::pi);
    if (name == "d") return constant(static_cast<double>(out_.d_));
    if (name == "x") {
      expect("[");
      const double index = integer(comparison());
      expect("]");
      return variable(index);
    }
    if (name == "sum" || name == "prod") return series(name == "sum");
    if (name.size() > 1 && name[0] == 'x' &&
        std::all_of(name.begin() + 1, name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
      return variable(core::parse_double(name.substr(1)).value_or(0));
    }
    return call(name);
  }
  std::uint32_t variable(double index) {
    if (!(index >= 1 && index <= static_cast<double>(out_.d_))) {
      fail("no variable x" + core::format_double(index) + " in " + std::to_string(out_.d_) +
           " dimensions");
    }
    return out_.add(Op::kVariable, static_cast<std::uint32_t>(index) - 1, 0);
  }
  double integer(std::uint32_t node) {
    const Formula::Node& found = out_.nodes_[node];
    if (found.op != Op::kConstant || found.value != std::floor(found.value)) {
      fail("an index must be a constant integer");
    }
    return found.value;
  }
  // sum(i, a, b, e) is written out: its terms share what they have in common.
  std::uint32_t series(bool add) {
    expect("(");
    skip();
    const std::string index = identifier();
    if (index.empty()) fail("the index's name expected");
    expect(",");
    const double from = integer(comparison());
    expect(",");
    const double to = integer(comparison());
    expect(",");
    if (to - from > 1e6) fail("more than 10^6 terms");
    const std::size_t body = at_;
    const auto outer =
        bound_.find(index) == bound_.end() ? std::pair(false, 0.0) : std::pair(true, bound_[index]);
    std::uint32_t result = constant(add ? 0 : 1);
    if (to < from) {  // still read, for its end
      bound_[index] = from;
      (void)comparison();
    }
    for (double i = from; i <= to; ++i) {
      if (++terms_ > kMaxTerms) fail("more than 2^21 terms of series");
      at_ = body;
      bound_[index] = i;
      const std::uint32_t term = comparison();
      if (i == from) {
        result = term;
      } else {
        result = out_.add(add ? Op::kAdd : Op::kMultiply, result, term);
      }
    }
    if (outer.first) {
      bound_[index] = outer.second;
    } else {
      bound_.erase(index);
    }
    expect(")");
    return result;
  }
  std::uint32_t call(const std::string& name) {
    static constexpr std::pair<const char*, Op> kUnary[] = {
        {"abs", Op::kAbs},   {"floor", Op::kFloor}, {"sqrt", Op::kSqrt}, {"exp", Op::kExp},
        {"log", Op::kLog},   {"sin", Op::kSin},     {"cos", Op::kCos},   {"tan", Op::kTan},
        {"asin", Op::kAsin}, {"acos", Op::kAcos},   {"atan", Op::kAtan}, {"sinh", Op::kSinh},
        {"cosh", Op::kCosh}, {"tanh", Op::kTanh}};
    for (const auto& [known, op] : kUnary) {
      if (name != known) continue;
      expect("(");
      const std::uint32_t a = comparison();
      expect(")");
      return out_.add(op, a, a);
    }
    if (name != "min" && name != "max") fail("unknown name " + core::quoted(name));
    expect("(");
    std::uint32_t node = comparison();
    while (take(",")) node = out_.add(name == "min" ? Op::kMin : Op::kMax, node, comparison());
    expect(")");
    return node;
  }

  Formula& out_;
  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::size_t terms_ = 0;
  std::map<std::string, double> bound_;
};

Formula::Formula(std::string_view text, std::size_t d) : d_(d) {
  result_ = FormulaParser(*this, text).parse();
  drop_unused();
  known_.clear();
  compile();
}

void Formula::drop_unused() {
  std::vector<bool> used(nodes_.size());
  used[result_] = true;
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    if (!used[i] || is_leaf(nodes_[i].op)) continue;
    used[nodes_[i].a] = used[nodes_[i].b] = true;
  }
  std::vector<std::uint32_t> moved(nodes_.size());
  std::vector<Node> kept;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!used[i]) continue;
    Node node = nodes_[i];
    if (!is_leaf(node.op)) {
      node.a = moved[node.a];
      node.b = moved[node.b];
    }
    moved[i] = static_cast<std::uint32_t>(kept.size());
    kept.push_back(node);
  }
  result_ = moved[result_];
  nodes_ = std::move(kept);
}

// Gives every node a column of values, which is free again behind the last step that reads it. The
// first constants keep theirs, so that they are written once and not for every block.
void Formula::compile() {
  std::vector<std::uint32_t> last(nodes_.size()), column(nodes_.size()), idle;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!is_leaf(nodes_[i].op)) last[nodes_[i].a] = last[nodes_[i].b] = i;
  }
  const auto release = [&](std::uint32_t node, std::uint32_t reader) {
    const bool kept = nodes_[node].op == Op::kConstant && column[node] < kept_.size();
    if (last[node] == reader && !kept) idle.push_back(column[node]);
  };
  for (std::uint32_t i = 0; i < nodes_.size() && kept_.size() < kKeptConstants; ++i) {
    if (nodes_[i].op != Op::kConstant || i == result_) continue;
    column[i] = static_cast<std::uint32_t>(kept_.size());
    kept_.push_back(nodes_[i].value);
  }
  columns_ = kept_.size();
  std::size_t constants = 0;
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.op == Op::kConstant && constants++ < kept_.size()) continue;
    if (idle.empty()) idle.push_back(static_cast<std::uint32_t>(columns_++));
    column[i] = idle.back();
    idle.pop_back();
    if (is_leaf(node.op)) {
      steps_.push_back({node.op, node.a, node.b, column[i], node.value});
      continue;
    }
    steps_.push_back({node.op, column[node.a], column[node.b], column[i], 0});
    release(node.a, i);
    if (node.b != node.a) release(node.b, i);
  }
}

void Formula::evaluate(const double* x, std::size_t rows, double* y) const {
  const FormulaKernels& kernels = formula_kernels(core::active_isa());
  std::vector<double> values(columns_ * kBlockRows);
  const auto column = [&](std::uint32_t index) { return &values[index * kBlockRows]; };
  for (std::uint32_t c = 0; c < kept_.size(); ++c) std::fill_n(column(c), kBlockRows, kept_[c]);
  for (std::size_t from = 0; from < rows; from += kBlockRows) {
    const std::size_t part = std::min(kBlockRows, rows - from);
    for (const Step& step : steps_) {
      double* out = &step == &steps_.back() ? y + from : column(step.out);
      if (step.op == Op::kConstant) {
        std::fill_n(out, part, step.value);
      } else if (step.op == Op::kVariable) {
        kernels.take(x + from * d_ + step.a, d_, part, out);
      } else {
        kernels[step.op](column(step.a), column(step.b), part, out);
      }
    }
  }
}

}  // namespace stateutils::qmc
