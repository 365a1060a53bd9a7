// A small C, interpreted: int and bool, arrays of int, functions, loops. Programs of strangers can
// be run in it: there is no library, every access is checked, and steps are counted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stateutils::bench::mini_c {

enum class TokenKind : std::uint8_t { kName, kNumber, kSymbol, kEnd };
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  std::size_t at = 0;  // its place in the source
};
// Nothing when some byte begins no token. Comments and lines that begin with # are left out.
[[nodiscard]] std::optional<std::vector<Token>> scan(std::string_view source);

struct Parameter {
  std::string name;
  bool array = false, constant = false;
};

enum class NodeKind : std::uint8_t {
  kNumber,
  kName,
  kIndex,
  kCall,
  kUnary,
  kBinary,
  kAnd,
  kOr,
  kChoice,
  kAssign,
  kStep,
  kBlock,
  kIf,
  kWhile,
  kDo,
  kFor,
  kReturn,
  kBreak,
  kContinue,
  kDeclare,
  kArray,
  kNothing
};
// Operators by their text; compound assignment names the operator before the "=".
enum class Operator : std::uint8_t {
  kNone,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kEqual,
  kNotEqual,
  kBitAnd,
  kBitOr,
  kBitXor,
  kLeft,
  kRight,
  kNot,
  kComplement,
  kMinus
};
struct Node {
  NodeKind kind = NodeKind::kNothing;
  Operator op = Operator::kNone;
  bool postfix = false;    // of kStep
  std::int64_t value = 0;  // of a number; size of an array; +1 or -1 of a step
  std::size_t slot = 0;    // of a variable; index of a function
  std::vector<std::size_t> kids;
};

struct Function {
  std::string name;
  bool returns = false;
  std::vector<Parameter> parameters;
  std::size_t slots = 0, body = 0;
};

struct Program {
  std::vector<Function> functions;
  std::vector<Node> nodes;
  [[nodiscard]] const Function* find(std::string_view name) const;
};

// `error` says what is wrong, with its line, when nothing is returned.
[[nodiscard]] std::optional<Program> compile(std::string_view source, std::string& error);

// Why a call did not come back with a result.
enum class Stop : std::uint8_t {
  kNone,
  kOverflow,
  kBounds,
  kDivision,
  kUnset,
  kType,
  kSteps,
  kDepth,
  kConstant,
  kNoResult
};
[[nodiscard]] const char* stop_text(Stop stop);

struct Argument {
  std::int64_t value = 0;
  std::vector<std::int64_t>* array = nullptr;  // changed in place
};
struct Outcome {
  Stop stop = Stop::kNone;
  std::int64_t result = 0;
};
[[nodiscard]] Outcome call(const Program& program, const Function& function,
                           std::span<const Argument> arguments, std::uint64_t max_steps);

}  // namespace stateutils::bench::mini_c
