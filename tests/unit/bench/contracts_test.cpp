// The interpreted C, and the contracts written in it.
#include <doctest.h>

#include <set>

#include "bench/families/contracts/catalog.hpp"
#include "bench/families/contracts/contract_check.hpp"
#include "bench/families/contracts/parallel_check.hpp"
#include "bench/families/small/small.hpp"
#include "core/error.hpp"

using namespace stateutils;
using namespace stateutils::bench;
using mini_c::Stop;

namespace {

mini_c::Outcome evaluate(const std::string& body, std::vector<std::int64_t> numbers = {}) {
  std::string error, parameters, source;
  std::vector<mini_c::Argument> arguments;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    parameters += (i > 0 ? ", int " : "int ") + std::string(1, static_cast<char>('a' + i));
    arguments.push_back({numbers[i], nullptr});
  }
  source = "int f(" + parameters + ") { " + body + " }";
  const auto program = mini_c::compile(source, error);
  REQUIRE_MESSAGE(program, error << "\n" << source);
  return mini_c::call(*program, *program->find("f"), arguments, 100'000);
}

std::string refusal(const std::string& source) {
  std::string error;
  return mini_c::compile(source, error) ? "" : error;
}

}  // namespace

// Values by ISO C17, 6.5; division truncates towards zero.
TEST_CASE("expressions have the values that C gives them") {
  CHECK(evaluate("return 2 + 3 * 4 - 20 / 6 % 2;").result == 13);
  CHECK(evaluate("return -7 / 2 * 10 + -7 % 2;").result == -31);
  CHECK(evaluate("return 1 << 4 | 6 & 3 ^ 1;").result == 19);
  CHECK(evaluate("return !0 + ~5 + (3 > 2 == 1) + (2 <= 1 != 0);").result == -4);
  CHECK(evaluate("return a > b ? a - b : b - a;", {3, 8}).result == 5);
  CHECK(evaluate("int x = 1; x += 4; x *= x; x -= 1; x /= 5; x %= 3; x <<= 3; return x;").result ==
        8);
  CHECK(evaluate("int i = 3; int j = i++ * 10 + i; return j * 10 + --i;").result == 343);
  CHECK(evaluate("return 0 && 1 / 0 || 1 || 1 / 0;").result == 1);
}

TEST_CASE("statements run as in C") {
  CHECK(
      evaluate("int s = 0; for (int i = 0; i < 10; ++i) { if (i == 3) continue; if (i == 6) break; "
               "s += i; } return s;")
          .result == 12);
  CHECK(evaluate("int n = 0; do { n++; } while (n < 5); while (n > 2) n -= 2; return n;").result ==
        1);
  CHECK(evaluate("int x = 1; { int x = 2; x = 3; } return x;").result == 1);
  CHECK(
      evaluate(
          "int a[4] = {7, 8}; int* p = a; p = p + 1; *p = 5; p[2] = 9; return a[0] * 1000 + a[1] * "
          "100 + a[2] * 10 + a[3];")
          .result == 7509);
  std::string error;
  const auto program = mini_c::compile(
      "int even(int n); int odd(int n) { return n == 0 ? 0 : even(n - 1); }\n"
      "int even(int n) { return n == 0 ? 1 : odd(n - 1); }",
      error);
  REQUIRE(program);
  const mini_c::Argument ten{10, nullptr};
  CHECK(mini_c::call(*program, *program->find("even"), {&ten, 1}, 1000).result == 1);
}

TEST_CASE("what C leaves undefined is an error") {
  CHECK(evaluate("return 2147483647 + a;", {1}).stop == Stop::kOverflow);
  CHECK(evaluate("return -2147483647 - 1 - a;", {1}).stop == Stop::kOverflow);
  CHECK(evaluate("return INT_MIN / a;", {-1}).stop == Stop::kOverflow);
  CHECK(evaluate("return 1 << a;", {32}).stop == Stop::kOverflow);
  CHECK(evaluate("return a / (a - a);", {4}).stop == Stop::kDivision);
  CHECK(evaluate("int x; return x;").stop == Stop::kUnset);
  CHECK(evaluate("int x[3]; return x[0];").stop == Stop::kUnset);
  CHECK(evaluate("int x[3] = {0}; return x[3];").stop == Stop::kBounds);
  CHECK(evaluate("int x[3] = {0}; return x[-1];").stop == Stop::kBounds);
  CHECK(evaluate("int x[3] = {0}; return x;").stop == Stop::kType);
  CHECK(evaluate("for (;;) {}").stop == Stop::kSteps);
  CHECK(evaluate("return f();").stop == Stop::kDepth);
  CHECK(evaluate("int x = 3;").stop == Stop::kNoResult);
}

TEST_CASE("texts that are no program are refused with their line") {
  CHECK(refusal("int f() {\n  return x;\n}") == "line 2: x is not declared");
  CHECK(refusal("int f() { return g(1); }") == "line 1: there is no function g");
  CHECK(refusal("int f(int a) { return f(); }") == "line 1: f takes 1 arguments");
  CHECK(refusal("double f() { return 1; }") == "line 1: expected a function of int or void");
  CHECK(refusal("int f() { int a; int a; }") == "line 1: a is declared twice");
  CHECK(refusal("int f() { 1 = 2; }") == "line 1: only variables and cells can be set");
  CHECK(refusal("int f() { return 1") == "line 1: expected \";\"");
  CHECK(refusal("int f() {") == "line 1: the text ends too early");
  CHECK(refusal("@") == "a byte that begins no token");
  CHECK(refusal("int f() { return 99999999999; }") == "line 1: numbers are decimal and fit an int");
  CHECK(refusal("int f() { return " + std::string(10'000, '(') + "1; }") ==
        "line 1: nested too deeply");
  CHECK(refusal("int f() " + std::string(10'000, '{')) == "line 1: nested too deeply");
  CHECK(refusal("int f() { return " + std::string(10'000, '-') + "1; }") ==
        "line 1: nested too deeply");
  CHECK(refusal("int f() { int a[1000000000]; }").find("1 to 4096") != std::string::npos);
}

TEST_CASE("input ranges") {
  const auto ranges = parse_ranges("n=0..8 a[n]=-3..4< x=7..7");
  REQUIRE(ranges);
  REQUIRE(ranges->size() == 3);
  CHECK((*ranges)[1].name == "a");
  CHECK((*ranges)[1].length == "n");
  CHECK((*ranges)[1].low == -3);
  CHECK((*ranges)[1].high == 4);
  CHECK((*ranges)[1].sorted);
  CHECK(!parse_ranges("n=3..2"));
  CHECK(!parse_ranges("n"));
  CHECK(!parse_ranges("a[n=1..2"));
  CHECK(!parse_ranges("n=1..99999999999"));
}

TEST_CASE("every algorithm keeps its contract, and hardly a mutant gets past it") {
  std::size_t algorithms = 0, mutants = 0, survivors = 0;
  SmallOptions options;
  options.family = "contracts";
  const std::size_t count =
      search_algorithms().size() + number_algorithms().size() + ordering_algorithms().size();
  CHECK(count >= 40);
  std::set<std::string> scenarios;
  for (std::uint64_t index = 0; index < count; ++index) {
    const SmallDraw drawn = make_small(options, index, 0);
    const std::string text = drawn.draw.tasks.at(0).json();
    const Document document(text, "task", false);
    Store store;
    Task task;
    task.family = "contracts";
    REQUIRE(read_family_task(document.root(), store, task));
    const std::string scenario(document.root().at("scenario").string());
    CAPTURE(scenario);
    scenarios.insert(scenario);
    const FamilyCheck& check = *task.contract.options.front().check;
    const std::string right = task.reference.front().front().substr(5);
    CHECK(check.quality(store, task.initial, right) == 1);
    CHECK(check.is_right(store, task.initial, right));
    CHECK(check.quality(store, task.initial, "") == 0);
    std::size_t killed = 0;
    for (const FamilyCheck::WrongAnswer& wrong : check.wrong_answers()) {
      ++mutants;
      const bool passes = check.quality(store, task.initial, wrong.answer) == 1;
      killed += !passes;
      survivors += passes && !check.is_right(store, task.initial, wrong.answer);
    }
    CHECK(killed >= 30);
    ++algorithms;
  }
  CHECK(scenarios.size() == algorithms);
  // Drawn inputs miss one now and then; validation rejects that task and draws it anew.
  CHECK(survivors * 500 < mutants);
}

TEST_CASE("a contract that says nothing about a result lets mutants through") {
  ContractSpec spec;
  spec.name = "twice";
  spec.inputs = "n=-9..9";
  spec.pre = "int pre(int n) { return 1; }";
  spec.post = "int post(int n, int result) { return result % 2 == 0; }";
  spec.solution = "int twice(int n) { return n * 2; }";
  const ContractCheck weak(spec);
  Store store;
  const std::string four = R"("int twice(int n) { return n * 4; }")";
  CHECK(weak.quality(store, 0, four) == 1);
  CHECK(!weak.is_right(store, 0, four));
  spec.post = "int post(int n, int result) { return result == n + n; }";
  const ContractCheck strong(spec);
  CHECK(strong.quality(store, 0, four) < 1);
  spec.pre = "int pre(int n) { return 0; }";
  CHECK_THROWS_AS(ContractCheck{spec}, core::Error);
  spec.pre = "int pre() { return 1; }";
  CHECK_THROWS_AS(ContractCheck{spec}, core::Error);
}

namespace {

// f(a, n) on a = 1 2 ... 12.
mini_c::Outcome on_array(const std::string& body, std::vector<std::int64_t>* left = nullptr) {
  std::string error;
  const auto program = mini_c::compile("int f(int* a, int n) {\n" + body + "\nreturn 0; }", error);
  REQUIRE_MESSAGE(program, error << "\n" << body);
  std::vector<std::int64_t> a{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const std::vector<mini_c::Argument> arguments{{0, &a}, {12, nullptr}};
  const mini_c::Outcome outcome = mini_c::call(*program, *program->find("f"), arguments, 100'000);
  if (left != nullptr) *left = a;
  return outcome;
}

const std::string kParallel = "#pragma omp parallel for ";

}  // namespace

TEST_CASE("parallel loops give what serial ones do, sooner") {
  const std::string sum =
      "int s = 5;\n#pragma omp parallel for reduction(+: s)\n"
      "for (int i = 0; i < n; ++i) { s += a[i] * a[i]; }\nreturn s;";
  const mini_c::Outcome parallel = on_array(sum), serial = on_array(without_directives(sum));
  CHECK(parallel.result == 655);
  CHECK(serial.result == 655);
  CHECK(parallel.time < serial.time);
  CHECK(parallel.time > serial.time / mini_c::kThreads);
  std::vector<std::int64_t> left;
  CHECK(on_array(kParallel + "\nfor (int i = 11; i >= 0; i -= 2) a[i] = -a[i];", &left).stop ==
        Stop::kNone);
  CHECK(left == std::vector<std::int64_t>{1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12});
  CHECK(on_array("int m = 3;\n" + kParallel +
                 "reduction(max: m) schedule(static, 2)\n"
                 "for (int i = 0; i < n; ++i) if (a[i] > m) m = a[i];\nreturn m;")
            .result == 12);
  CHECK(on_array("int i = 99; int x = 7;\n" + kParallel +
                 "private(x)\n"
                 "for (i = 0; i < n; ++i) { x = a[i]; a[i] = x + 1; }\nreturn i + x;")
            .result == 106);
}

TEST_CASE("a race is found whatever the threads did") {
  const auto stop = [](const std::string& clauses, const std::string& body) {
    return on_array("int s = 0; int x = 1;\n" + kParallel + clauses +
                    "\nfor (int i = 1; i < n; ++i) {" + body + "}")
        .stop;
  };
  CHECK(stop("", "s += a[i];") == Stop::kRace);
  CHECK(stop("", "a[i] = a[i - 1];") == Stop::kRace);
  CHECK(stop("", "a[0] = i;") == Stop::kRace);
  CHECK(stop("", "x = a[i]; a[i] = x;") == Stop::kRace);
  CHECK(stop("", "int y = a[i] + x; a[i] = y;") == Stop::kNone);
  CHECK(stop("", "int y[2] = {1, 2}; y[0] += i; a[i] = y[0] + a[0];") == Stop::kNone);
  CHECK(stop("private(x)", "x = a[i]; a[i] = x;") == Stop::kNone);
  CHECK(stop("private(x)", "a[i] += x;") == Stop::kUnset);  // another x than the one outside
}

TEST_CASE("what is no loop of OpenMP's canonical form is refused") {
  const auto says = [](const std::string& loop) {
    return refusal("void f(int* a, int n) {\n" + kParallel + "\n" + loop + "\n}");
  };
  CHECK(says("for (int i = 0; i < n; ++i) a[i] = 0;") == "");
  CHECK(says("while (n > 0) --n;") != "");
  CHECK(says("for (int i = 0; n > 0; ++i) a[i] = 0;") != "");
  CHECK(says("for (int i = 0; i < n; i *= 2) a[i] = 0;") != "");
  CHECK(says("for (int i = 0; i < n; ++i) { if (a[i]) break; }") != "");
  CHECK(says("for (int i = 0; i < n; ++i) { while (1) break; }") == "");
  CHECK(says("for (int i = 0; i < n; ++i) ++i;") != "");
  CHECK(says("for (int i = 0; i < n; ++i)\n" + kParallel + "\nfor (int j = 0; j < n; ++j) ;") !=
        "");
  for (const char* clause : {"private(z)", "reduction(-: n)", "reduction(+ n)", "private(n",
                             "firstprivate(n)", "private"}) {
    CHECK(refusal("void f(int n) {\n" + kParallel + clause +
                  "\nfor (int i = 0; i < n; ++i) ;\n}") != "");
  }
}

TEST_CASE("of every kernel the solution passes, and neither the serial function nor a mutant") {
  SmallOptions options;
  options.family = "par";
  std::set<std::string> kernels;
  for (std::uint64_t index = 0; index < 11; ++index) {
    const std::string text = make_small(options, index, 0).draw.tasks.at(0).json();
    const Document document(text, "task", false);
    Store store;
    Task task;
    task.family = "par";
    REQUIRE(read_family_task(document.root(), store, task));
    const std::string kernel(document.root().at("scenario").string());
    CAPTURE(kernel);
    kernels.insert(kernel);
    const FamilyCheck& check = *task.contract.options.front().check;
    const std::string right = task.reference.front().front().substr(5);
    CHECK(check.quality(store, task.initial, right) == 1);
    CHECK(check.is_right(store, task.initial, right));
    CHECK(check.quality(store, task.initial, "") == 0);
    std::size_t killed = 0, survivors = 0;
    for (const FamilyCheck::WrongAnswer& wrong : check.wrong_answers()) {
      const double quality = check.quality(store, task.initial, wrong.answer);
      if (std::string(wrong.op) == "serial") {
        CHECK(quality > 0);
        CHECK(quality < 1);
      }
      killed += quality < 1;
      survivors += quality == 1 && !check.is_right(store, task.initial, wrong.answer);
    }
    CHECK(killed >= 40);
    CHECK(survivors <= 1);
  }
  CHECK(kernels.size() == 11);
}
