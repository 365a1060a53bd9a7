// Operator mutants of a C function, made on its tokens (the classical set of DeMillo, Lipton and
// Sayward, "Hints on test data selection", 1978, as in Mothra: AOR, ROR, LCR, CRP, SVR, SDL).
#include <algorithm>
#include <array>
#include <set>

#include "bench/families/contracts/contract_check.hpp"
#include "bench/world/intern.hpp"

namespace stateutils::bench {
namespace {

using mini_c::Token;
using mini_c::TokenKind;

class Mutator {
 public:
  explicit Mutator(const std::string& source) : source_(source) {
    if (auto tokens = mini_c::scan(source)) tokens_ = std::move(*tokens);
    // Names before the body are the function's and its parameters'.
    while (body_ < tokens_.size() && tokens_[body_].text != "{") ++body_;
    for (std::size_t i = 1; i < tokens_.size(); ++i) {
      const bool declared = tokens_[i - 1].text == "int" || tokens_[i - 1].text == "*";
      if (declared && tokens_[i].kind == TokenKind::kName && tokens_[i + 1].text != "(") {
        const bool array = tokens_[i - 1].text == "*";
        (array ? arrays_ : numbers_).insert(tokens_[i].text);
      }
    }
  }

  std::vector<FamilyCheck::WrongAnswer> run() {
    for (std::size_t i = body_; i + 1 < tokens_.size(); ++i) {
      operators(i);
      if (tokens_[i].kind == TokenKind::kNumber) constants(i);
      if (tokens_[i].kind == TokenKind::kName) variables(i);
      conditions(i);
      statements(i);
    }
    return std::move(out_);
  }

 private:
  static constexpr std::size_t kMost = 120;

  void replace(const char* op, std::size_t first, std::size_t last, const std::string& text) {
    if (out_.size() >= kMost) return;
    const std::size_t from = tokens_[first].at, to = tokens_[last].at + tokens_[last].text.size();
    std::string mutant = source_.substr(0, from) + text + source_.substr(to);
    std::string error;
    if (mutant == source_ || !mini_c::compile(mutant, error)) return;
    out_.push_back({op, {}});
    append_json_string(out_.back().answer, mutant);
  }

  template <std::size_t N>
  void among(const char* op, std::size_t i, const std::array<const char*, N>& group) {
    const auto same = [&](const char* text) { return tokens_[i].text == text; };
    if (std::none_of(group.begin(), group.end(), same)) return;
    for (const char* other : group) {
      if (!same(other)) replace(op, i, i, other);
    }
  }

  void operators(std::size_t i) {
    static constexpr std::array<const char*, 6> kRelations = {"<", "<=", ">", ">=", "==", "!="};
    static constexpr std::array<const char*, 5> kArithmetic = {"+", "-", "*", "/", "%"};
    static constexpr std::array<const char*, 2> kLogic = {"&&", "||"};
    static constexpr std::array<const char*, 3> kBits = {"&", "|", "^"};
    static constexpr std::array<const char*, 2> kSteps = {"++", "--"};
    static constexpr std::array<const char*, 4> kAssignments = {"=", "+=", "-=", "*="};
    if (tokens_[i].kind != TokenKind::kSymbol) return;
    among("relation", i, kRelations);
    among("arithmetic", i, kArithmetic);
    among("logic", i, kLogic);
    among("bits", i, kBits);
    among("step", i, kSteps);
    among("assignment", i, kAssignments);
  }

  void constants(std::size_t i) {
    const std::string text(tokens_[i].text);
    replace("constant", i, i, "(" + text + " + 1)");
    replace("constant", i, i, "(" + text + " - 1)");
    if (text != "0") replace("constant", i, i, "0");
  }

  void variables(std::size_t i) {
    const std::string_view name = tokens_[i].text;
    const bool declared = i > 0 && tokens_[i - 1].text == "int";
    for (const auto* group : {&numbers_, &arrays_}) {
      if (declared || !group->contains(name)) continue;
      for (const std::string_view other : *group) {
        if (other != name) replace("variable", i, i, std::string(other));
      }
      if (group == &numbers_ && tokens_[i + 1].text != "=") {
        replace("off_by_one", i, i, "(" + std::string(name) + " + 1)");
        replace("off_by_one", i, i, "(" + std::string(name) + " - 1)");
      }
    }
  }

  [[nodiscard]] std::size_t closing(std::size_t open) const {
    int depth = 0;
    for (std::size_t i = open; i < tokens_.size(); ++i) {
      if (tokens_[i].text == "(") ++depth;
      if (tokens_[i].text == ")" && --depth == 0) return i;
    }
    return open;
  }

  void conditions(std::size_t i) {
    const bool guards = tokens_[i].text == "if" || tokens_[i].text == "while";
    if (!guards || tokens_[i + 1].text != "(") return;
    const std::size_t end = closing(i + 1);
    const std::size_t from = tokens_[i + 1].at, to = tokens_[end].at + 1;
    const std::string condition = source_.substr(from, to - from);
    replace("condition", i + 1, end, "(!" + condition + ")");
    replace("condition", i + 1, end, "(1)");
    replace("condition", i + 1, end, "(0)");
  }

  // A statement that begins behind ; { or } and ends with its semicolon.
  void statements(std::size_t i) {
    const std::string_view before = tokens_[i - (i > 0 ? 1 : 0)].text;
    if (before != ";" && before != "{" && before != "}") return;
    const std::string_view first = tokens_[i].text;
    if (first == "int" || first == "if" || first == "while" || first == "for" || first == "}")
      return;
    std::size_t end = i;
    while (end < tokens_.size() && tokens_[end].text != ";" && tokens_[end].text != ")") ++end;
    if (end >= tokens_.size() || tokens_[end].text != ";") return;
    replace("drop_statement", i, end, ";");
    if (first != "return" || end == i + 1) return;
    replace("return_value", i, end, "return 0;");
    const std::size_t from = tokens_[i + 1].at;
    replace("return_value", i, end,
            "return (" + source_.substr(from, tokens_[end].at - from) + ") + 1;");
  }

  const std::string& source_;
  std::vector<Token> tokens_;
  std::size_t body_ = 0;
  std::set<std::string_view> numbers_, arrays_;
  std::vector<FamilyCheck::WrongAnswer> out_;
};

}  // namespace

std::vector<FamilyCheck::WrongAnswer> mutate_function(const std::string& source) {
  return Mutator(source).run();
}

}  // namespace stateutils::bench
