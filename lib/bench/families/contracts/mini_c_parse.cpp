#include <algorithm>
#include <map>
#include <utility>

#include "bench/families/contracts/mini_c.hpp"

namespace stateutils::bench::mini_c {
namespace {

constexpr int kMaxNesting = 64;
constexpr std::int64_t kMaxArray = 4096;
constexpr std::size_t kMaxNodes = 20'000;

struct Refusal {
  std::string message;
  std::size_t at;
};

Operator operator_of(std::string_view text) {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"+", Operator::kAdd},        {"-", Operator::kSubtract},  {"*", Operator::kMultiply},
      {"/", Operator::kDivide},     {"%", Operator::kRemainder}, {"<", Operator::kLess},
      {"<=", Operator::kLessEqual}, {">", Operator::kGreater},   {">=", Operator::kGreaterEqual},
      {"==", Operator::kEqual},     {"!=", Operator::kNotEqual}, {"&", Operator::kBitAnd},
      {"|", Operator::kBitOr},      {"^", Operator::kBitXor},    {"<<", Operator::kLeft},
      {">>", Operator::kRight}};
  for (const auto& [name, op] : kOperators) {
    if (name == text) return op;
  }
  return Operator::kNone;
}

// C's levels of binary operators (ISO C17, 6.5); 0 is none.
int level_of(std::string_view text) {
  static constexpr std::pair<std::string_view, int> kLevels[] = {
      {"||", 1}, {"&&", 2}, {"|", 3}, {"^", 4},  {"&", 5},  {"==", 6},
      {"!=", 6}, {"<", 7},  {">", 7}, {"<=", 7}, {">=", 7}, {"<<", 8},
      {">>", 8}, {"+", 9},  {"-", 9}, {"*", 10}, {"/", 10}, {"%", 10}};
  for (const auto& [name, level] : kLevels) {
    if (name == text) return level;
  }
  return 0;
}

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Program run() {
    while (now().kind != TokenKind::kEnd) function();
    for (const auto& [node, name, at] : calls_) resolve(node, name, at);
    return std::move(program_);
  }

 private:
  struct OpenCall {
    std::size_t node;
    std::string name;
    std::size_t at;
  };

  [[nodiscard]] const Token& now() const { return tokens_[at_]; }
  [[nodiscard]] bool is(std::string_view text) const {
    return now().kind != TokenKind::kEnd && now().text == text;
  }
  bool take(std::string_view text) {
    if (!is(text)) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void refuse(const std::string& message) const { throw Refusal{message, now().at}; }
  void expect(std::string_view text) {
    if (!take(text)) refuse("expected \"" + std::string(text) + "\"");
  }
  std::string name() {
    static constexpr std::string_view kWords[] = {"int",    "bool",  "void",    "if",     "else",
                                                  "while",  "for",   "do",      "return", "break",
                                                  "static", "const", "continue"};
    const bool word =
        std::find(std::begin(kWords), std::end(kWords), now().text) != std::end(kWords);
    if (now().kind != TokenKind::kName || word) refuse("expected a name");
    return std::string(tokens_[at_++].text);
  }

  std::size_t add(NodeKind kind, std::vector<std::size_t> kids = {}) {
    if (program_.nodes.size() >= kMaxNodes) refuse("the program is too long");
    Node& node = program_.nodes.emplace_back();
    node.kind = kind;
    node.kids = std::move(kids);
    return program_.nodes.size() - 1;
  }
  Node& node(std::size_t index) { return program_.nodes[index]; }

  // Counts how deep statements and expressions stand in each other.
  class Depth {
   public:
    explicit Depth(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxNesting) parser_.refuse("nested too deeply");
    }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    ~Depth() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  bool qualifiers() {
    bool constant = false;
    while (is("static") || is("const")) constant = constant || is("const"), ++at_;
    return constant;
  }
  [[nodiscard]] bool at_type() const { return is("int") || is("bool") || is("const"); }

  void function() {
    (void)qualifiers();
    Function f;
    f.returns = !take("void");
    if (f.returns && !take("int") && !take("bool")) refuse("expected a function of int or void");
    f.name = name();
    if (program_.find(f.name) != nullptr) refuse(f.name + " stands twice");
    scopes_.assign(1, {});
    slots_ = 0;
    expect("(");
    if (!take(")") && !(is("void") && tokens_[at_ + 1].text == ")" && (at_ += 2) != 0)) {
      do {
        f.parameters.push_back(parameter());
      } while (take(","));
      expect(")");
    }
    if (take(";")) return;  // a prototype
    const std::size_t self = program_.functions.size();
    program_.functions.push_back(f);
    const std::size_t body = block();
    program_.functions[self].body = body;
    program_.functions[self].slots = slots_;
  }

  Parameter parameter() {
    Parameter p;
    p.constant = qualifiers();
    if (!take("int") && !take("bool")) refuse("expected int");
    p.array = take("*");
    (void)qualifiers();
    p.name = name();
    if (take("[")) {
      if (now().kind == TokenKind::kNumber || now().kind == TokenKind::kName) ++at_;
      expect("]");
      p.array = true;
    }
    (void)declare(p.name);
    return p;
  }

  std::size_t declare(const std::string& name) {
    if (!scopes_.back().emplace(name, slots_).second) refuse(name + " is declared twice");
    return slots_++;
  }

  std::size_t block() {
    expect("{");
    const Depth depth(*this);
    scopes_.emplace_back();
    std::vector<std::size_t> kids;
    while (!take("}")) kids.push_back(statement());
    scopes_.pop_back();
    return add(NodeKind::kBlock, std::move(kids));
  }

  std::size_t statement() {
    const Depth depth(*this);
    if (now().kind == TokenKind::kEnd) refuse("the text ends too early");
    if (is("{")) return block();
    if (take(";")) return add(NodeKind::kNothing);
    if (at_type()) return declaration();
    if (take("if")) return branch();
    if (take("while")) {
      const std::size_t condition = in_parentheses();
      return add(NodeKind::kWhile, {condition, statement()});
    }
    if (take("do")) {
      const std::size_t body = statement();
      expect("while");
      const std::size_t condition = in_parentheses();
      expect(";");
      return add(NodeKind::kDo, {body, condition});
    }
    if (take("for")) return for_loop();
    if (now().kind == TokenKind::kDirective) return parallel_loop();
    if (take("return")) {
      std::vector<std::size_t> kids;
      if (!is(";")) kids.push_back(expression());
      expect(";");
      return add(NodeKind::kReturn, std::move(kids));
    }
    if (take("break")) return expect(";"), add(NodeKind::kBreak);
    if (take("continue")) return expect(";"), add(NodeKind::kContinue);
    const std::size_t e = expression();
    expect(";");
    return e;
  }

  std::size_t in_parentheses() {
    expect("(");
    const std::size_t e = expression();
    expect(")");
    return e;
  }

  std::size_t branch() {
    std::vector<std::size_t> kids{in_parentheses()};
    kids.push_back(statement());
    if (take("else")) kids.push_back(statement());
    return add(NodeKind::kIf, std::move(kids));
  }

  std::size_t for_loop() {
    expect("(");
    scopes_.emplace_back();
    const std::size_t first = at_type() ? declaration() : for_part(";");
    const std::size_t condition = for_part(";");
    const std::size_t step = for_part(")");
    const std::size_t body = statement();
    scopes_.pop_back();
    return add(NodeKind::kFor, {first, condition, step, body});
  }

  // The loop under a directive, in OpenMP's canonical form (OpenMP 5.0, 2.9.1), so that the
  // iterations are known before the first one runs.
  std::size_t parallel_loop() {
    const Token directive = tokens_[at_++];
    if (in_parallel_) throw Refusal{"a parallel loop inside another", directive.at};
    in_parallel_ = true;
    ParallelLoop loop;
    clauses(directive, loop);
    if (!take("for")) refuse("a directive stands before a for loop");
    loop.first_inside = slots_;
    const std::size_t inner = for_loop();
    loop.end_inside = slots_;
    in_parallel_ = false;
    const std::vector<std::size_t> parts = node(inner).kids;
    if (!counter_of(parts, loop)) {
      throw Refusal{"a parallel loop counts: for (i = A; i < B; i += C)", directive.at};
    }
    if (leaves(parts[3], false) || sets(parts[3], loop.counter)) {
      throw Refusal{"a parallel loop is neither left early nor is its counter set", directive.at};
    }
    const std::size_t p = add(NodeKind::kParallel, {inner});
    node(p).slot = program_.parallel.size();
    program_.parallel.push_back(std::move(loop));
    return p;
  }

  // "parallel for", then private(x, ...), reduction(OP: x, ...), and what only schedules.
  void clauses(const Token& directive, ParallelLoop& loop) {
    const auto refused = [&](const std::string& what) { return Refusal{what, directive.at}; };
    const auto words = scan(directive.text.substr(kOpenMp.size()));
    if (!words || words->size() < 3 || (*words)[0].text != "parallel" ||
        (*words)[1].text != "for") {
      throw refused("the directive is #pragma omp parallel for");
    }
    for (std::size_t i = 2; i + 1 < words->size();) {
      const std::string_view clause = (*words)[i++].text;
      if (clause == ",") continue;
      if ((*words)[i++].text != "(") throw refused("a clause has its list in parentheses");
      Operator op = Operator::kNone;
      if (clause == "reduction") {
        op = reduction_operator((*words)[i++].text);
        if (op == Operator::kNone || i >= words->size() || (*words)[i++].text != ":") {
          throw refused("reduction(OP: x) with one of + * & | ^ min max");
        }
      }
      for (; i + 1 < words->size() && (*words)[i].text != ")"; ++i) {
        const Token& word = (*words)[i];
        if (word.text == "," || clause == "schedule" || clause == "num_threads") continue;
        if (clause == "shared") continue;
        const auto slot = slot_of(word.text);
        if (!slot) throw refused(std::string(word.text) + " is not declared");
        if (clause == "private")
          loop.own.push_back(*slot);
        else if (clause == "reduction")
          loop.reductions.push_back({*slot, op});
        else
          throw refused("unknown clause " + std::string(clause));
      }
      if (i + 1 >= words->size()) throw refused("a ( has no )");
      ++i;
    }
  }

  static Operator reduction_operator(std::string_view text) {
    if (text == "min") return Operator::kLeast;
    if (text == "max") return Operator::kMost;
    static constexpr std::string_view kOthers[] = {"+", "*", "&", "|", "^"};
    const bool known = std::find(std::begin(kOthers), std::end(kOthers), text) != std::end(kOthers);
    return known ? operator_of(text) : Operator::kNone;
  }

  // Fills the counter of a loop whose first, condition and step are about one variable.
  [[nodiscard]] bool counter_of(const std::vector<std::size_t>& parts, ParallelLoop& loop) {
    const Node &first = node(parts[0]), &condition = node(parts[1]), &step = node(parts[2]);
    if (first.kind == NodeKind::kDeclare && first.kids.size() == 1) {
      loop.counter = first.slot;
    } else if (first.kind == NodeKind::kAssign && node(first.kids[0]).kind == NodeKind::kName) {
      loop.counter = node(first.kids[0]).slot;
    } else {
      return false;
    }
    const auto names_counter = [&](std::size_t n) {
      return node(n).kind == NodeKind::kName && node(n).slot == loop.counter;
    };
    const bool compares = condition.kind == NodeKind::kBinary && condition.op >= Operator::kLess &&
                          condition.op <= Operator::kNotEqual && names_counter(condition.kids[0]);
    const bool steps = step.kind == NodeKind::kStep ||
                       (step.kind == NodeKind::kAssign &&
                        (step.op == Operator::kAdd || step.op == Operator::kSubtract));
    return compares && steps && names_counter(step.kids[0]);
  }

  // Whether a statement leaves the loop around it.
  [[nodiscard]] bool leaves(std::size_t index, bool in_loop) {
    const Node& n = node(index);
    if (n.kind == NodeKind::kReturn || (n.kind == NodeKind::kBreak && !in_loop)) return true;
    const bool loop =
        n.kind == NodeKind::kFor || n.kind == NodeKind::kWhile || n.kind == NodeKind::kDo;
    return std::any_of(n.kids.begin(), n.kids.end(),
                       [&](std::size_t kid) { return leaves(kid, in_loop || loop); });
  }

  [[nodiscard]] bool sets(std::size_t index, std::size_t slot) {
    const Node& n = node(index);
    const bool writes = n.kind == NodeKind::kAssign || n.kind == NodeKind::kStep;
    if (writes && node(n.kids[0]).kind == NodeKind::kName && node(n.kids[0]).slot == slot) {
      return true;
    }
    return std::any_of(n.kids.begin(), n.kids.end(),
                       [&](std::size_t kid) { return sets(kid, slot); });
  }

  // An expression that may be left out, and what ends it.
  std::size_t for_part(std::string_view end) {
    if (take(end)) return add(NodeKind::kNothing);
    std::vector<std::size_t> kids{expression()};
    while (take(",")) kids.push_back(expression());
    expect(end);
    return kids.size() == 1 ? kids.front() : add(NodeKind::kBlock, std::move(kids));
  }

  std::size_t declaration() {
    (void)qualifiers();
    if (!take("int") && !take("bool")) refuse("expected int");
    std::vector<std::size_t> kids;
    do {
      (void)take("*");
      const std::string variable = name();
      if (take("[")) {
        kids.push_back(array_of(variable));
        continue;
      }
      std::vector<std::size_t> initial;
      if (take("=")) initial.push_back(assignment());
      const std::size_t d = add(NodeKind::kDeclare, std::move(initial));
      node(d).slot = declare(variable);
      kids.push_back(d);
    } while (take(","));
    expect(";");
    return kids.size() == 1 ? kids.front() : add(NodeKind::kBlock, std::move(kids));
  }

  std::size_t array_of(const std::string& variable) {
    const std::size_t size = primary();
    if (node(size).kind != NodeKind::kNumber || node(size).value < 1 ||
        node(size).value > kMaxArray) {
      refuse("an array's size is a number from 1 to 4096");
    }
    const std::int64_t cells = node(size).value;
    expect("]");
    std::vector<std::size_t> initial;
    if (take("=")) {
      expect("{");
      do {
        initial.push_back(assignment());
      } while (take(","));
      expect("}");
      if (static_cast<std::int64_t>(initial.size()) > cells) refuse("more values than cells");
    }
    const std::size_t a = add(NodeKind::kArray, std::move(initial));
    node(a).value = cells;
    node(a).slot = declare(variable);
    return a;
  }

  std::size_t expression() { return assignment(); }

  std::size_t assignment() {
    const Depth depth(*this);
    const std::size_t left = choice();
    const std::string_view text = now().text;
    const bool assigns = now().kind == TokenKind::kSymbol && text.ends_with('=') && text != "==" &&
                         text != "!=" && text != "<=" && text != ">=";
    if (!assigns) return left;
    if (!place(left)) refuse("only variables and cells can be set");
    ++at_;
    const std::size_t right = assignment();
    const std::size_t a = add(NodeKind::kAssign, {left, right});
    if (text.size() > 1) node(a).op = operator_of(text.substr(0, text.size() - 1));
    return a;
  }

  [[nodiscard]] bool place(std::size_t index) {
    return node(index).kind == NodeKind::kName || node(index).kind == NodeKind::kIndex;
  }

  std::size_t choice() {
    const std::size_t condition = binary(1);
    if (!take("?")) return condition;
    const std::size_t yes = assignment();
    expect(":");
    return add(NodeKind::kChoice, {condition, yes, assignment()});
  }

  std::size_t binary(int lowest) {
    std::size_t left = unary();
    for (int level; (level = level_of(now().text)) >= lowest && level > 0;) {
      const std::string_view text = tokens_[at_++].text;
      const std::size_t right = binary(level + 1);
      const NodeKind kind = text == "&&"   ? NodeKind::kAnd
                            : text == "||" ? NodeKind::kOr
                                           : NodeKind::kBinary;
      left = add(kind, {left, right});
      node(left).op = operator_of(text);
    }
    return left;
  }

  std::size_t unary() {
    const Depth depth(*this);
    if (take("+")) return unary();
    if (is("++") || is("--")) {
      const std::int64_t by = tokens_[at_++].text == "++" ? 1 : -1;
      return step(unary(), by, false);
    }
    if (take("*")) {  // *p is p[0]
      const std::size_t pointer = unary();
      return add(NodeKind::kIndex, {pointer, add(NodeKind::kNumber)});
    }
    const Operator op = is("-")   ? Operator::kMinus
                        : is("!") ? Operator::kNot
                        : is("~") ? Operator::kComplement
                                  : Operator::kNone;
    if (op == Operator::kNone) return postfix();
    ++at_;
    const std::size_t u = add(NodeKind::kUnary, {unary()});
    node(u).op = op;
    return u;
  }

  std::size_t step(std::size_t target, std::int64_t by, bool after) {
    if (!place(target)) refuse("only variables and cells can be stepped");
    const std::size_t s = add(NodeKind::kStep, {target});
    node(s).value = by;
    node(s).postfix = after;
    return s;
  }

  std::size_t postfix() {
    std::size_t e = primary();
    for (;;) {
      if (take("[")) {
        const std::size_t index = expression();
        expect("]");
        e = add(NodeKind::kIndex, {e, index});
      } else if (is("++") || is("--")) {
        e = step(e, tokens_[at_++].text == "++" ? 1 : -1, true);
      } else {
        return e;
      }
    }
  }

  std::size_t primary() {
    if (take("(")) {
      const std::size_t e = expression();
      expect(")");
      return e;
    }
    if (now().kind == TokenKind::kNumber) return number();
    if (take("true")) return constant(1);
    if (take("false")) return constant(0);
    if (is("INT_MAX") || is("INT_MIN")) {
      return constant(tokens_[at_++].text == "INT_MAX" ? INT32_MAX : INT32_MIN);
    }
    const std::size_t at = now().at;
    const std::string id = name();
    if (take("(")) {
      std::vector<std::size_t> kids;
      if (!take(")")) {
        do {
          kids.push_back(assignment());
        } while (take(","));
        expect(")");
      }
      const std::size_t c = add(NodeKind::kCall, std::move(kids));
      calls_.push_back({c, id, at});
      return c;
    }
    const auto slot = slot_of(id);
    if (!slot) throw Refusal{id + " is not declared", at};
    const std::size_t n = add(NodeKind::kName);
    node(n).slot = *slot;
    return n;
  }

  [[nodiscard]] std::optional<std::size_t> slot_of(std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (const auto found = scope->find(std::string(name)); found != scope->end()) {
        return found->second;
      }
    }
    return {};
  }

  std::size_t constant(std::int64_t value) {
    const std::size_t n = add(NodeKind::kNumber);
    node(n).value = value;
    return n;
  }

  std::size_t number() {
    std::int64_t value = 0;
    for (const char c : now().text) {
      if (c < '0' || c > '9' || value > INT32_MAX) refuse("numbers are decimal and fit an int");
      value = value * 10 + (c - '0');
    }
    if (value > INT32_MAX) refuse("numbers are decimal and fit an int");
    ++at_;
    return constant(value);
  }

  void resolve(std::size_t call, const std::string& name, std::size_t at) {
    const Function* f = program_.find(name);
    if (f == nullptr) throw Refusal{"there is no function " + name, at};
    if (f->parameters.size() != node(call).kids.size()) {
      throw Refusal{name + " takes " + std::to_string(f->parameters.size()) + " arguments", at};
    }
    node(call).slot = static_cast<std::size_t>(f - program_.functions.data());
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0, slots_ = 0;
  int depth_ = 0;
  bool in_parallel_ = false;
  std::vector<std::map<std::string, std::size_t>> scopes_;
  std::vector<OpenCall> calls_;
  Program program_;
};

}  // namespace

const Function* Program::find(std::string_view name) const {
  for (const Function& f : functions) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

std::optional<Program> compile(std::string_view source, std::string& error) {
  auto tokens = scan(source);
  if (!tokens) {
    error = "a byte that begins no token";
    return {};
  }
  try {
    return Parser(std::move(*tokens)).run();
  } catch (const Refusal& refusal) {
    const auto end =
        source.begin() + static_cast<std::ptrdiff_t>(std::min(refusal.at, source.size()));
    error = "line " + std::to_string(1 + std::count(source.begin(), end, '\n')) + ": " +
            refusal.message;
    return {};
  }
}

}  // namespace stateutils::bench::mini_c
