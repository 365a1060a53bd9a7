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

inline constexpr std::string_view kOpenMp = "#pragma omp";

enum class TokenKind : std::uint8_t { kName, kNumber, kSymbol, kDirective, kEnd };
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  std::size_t at = 0;  // its place in the source
};
// Nothing when some byte begins no token. Comments and lines that begin with # are left out, but
// for "#pragma omp ...", which is one token.
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
  kParallel,
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
  kLeast,
  kMost,
  kNot,
  kComplement,
  kMinus
};
struct Node {
  NodeKind kind = NodeKind::kNothing;
  Operator op = Operator::kNone;
  bool postfix = false;    // of kStep
  std::int64_t value = 0;  // of a number; size of an array; +1 or -1 of a step
  std::size_t slot = 0;    // of a variable; index of a function, of a parallel loop
  std::vector<std::size_t> kids;
};

struct Function {
  std::string name;
  bool returns = false;
  std::vector<Parameter> parameters;
  std::size_t slots = 0, body = 0;
};

// "#pragma omp parallel for" and the loop under it, whose counter is its own in each thread.
struct ParallelLoop {
  struct Reduction {
    std::size_t slot;
    Operator op;
  };
  std::size_t counter = 0;                       // slot
  std::size_t first_inside = 0, end_inside = 0;  // slots declared in the loop
  std::vector<std::size_t> own;                  // private(...)
  std::vector<Reduction> reductions;
};

struct Program {
  std::vector<Function> functions;
  std::vector<Node> nodes;
  std::vector<ParallelLoop> parallel;
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
  kNoResult,
  kRace
};
[[nodiscard]] const char* stop_text(Stop stop);

struct Argument {
  std::int64_t value = 0;
  std::vector<std::int64_t>* array = nullptr;  // changed in place
};
// Parallel loops are run as by kThreads threads with equal shares of the iterations. Two iterations
// that touch the same place, one of them writing, are a race, whoever runs them.
inline constexpr std::uint64_t kThreads = 4;
inline constexpr std::uint64_t kForkSteps = 40;  // what it costs to start and to join them
struct Outcome {
  Stop stop = Stop::kNone;
  std::int64_t result = 0;
  std::uint64_t time = 0;  // steps, of parallel loops those of the slowest thread
};
[[nodiscard]] Outcome call(const Program& program, const Function& function,
                           std::span<const Argument> arguments, std::uint64_t max_steps);

}  // namespace stateutils::bench::mini_c
