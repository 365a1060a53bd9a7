#include <algorithm>
#include <deque>
#include <limits>
#include <unordered_map>

#include "bench/families/contracts/mini_c.hpp"

namespace stateutils::bench::mini_c {
namespace {

constexpr int kMaxCalls = 64;
// A variable or cell that nothing was stored in; no int has this value.
constexpr std::int64_t kUnset = std::numeric_limits<std::int64_t>::min();

// A number, or a place in an array.
struct Value {
  std::int64_t n = kUnset;
  std::ptrdiff_t array = -1;
};

struct Cells {
  std::vector<std::int64_t>* data;
  bool constant;
};

enum class Flow : std::uint8_t { kNext, kBreak, kContinue, kReturn };

std::int64_t as_int(std::int64_t n) {
  if (n < INT32_MIN || n > INT32_MAX) throw Stop::kOverflow;
  return n;
}

std::int64_t shift(std::int64_t a, std::int64_t b, bool left) {
  if (b < 0 || b > 31 || (left && a < 0)) throw Stop::kOverflow;
  return left ? as_int(a << b) : a >> b;
}

std::int64_t compute(Operator op, std::int64_t a, std::int64_t b) {
  switch (op) {
    case Operator::kAdd:
      return as_int(a + b);
    case Operator::kSubtract:
      return as_int(a - b);
    case Operator::kMultiply:
      return as_int(a * b);
    case Operator::kDivide:
    case Operator::kRemainder:
      if (b == 0) throw Stop::kDivision;
      return op == Operator::kDivide ? as_int(a / b) : a % b;
    case Operator::kLess:
      return a < b;
    case Operator::kLessEqual:
      return a <= b;
    case Operator::kGreater:
      return a > b;
    case Operator::kGreaterEqual:
      return a >= b;
    case Operator::kEqual:
      return a == b;
    case Operator::kNotEqual:
      return a != b;
    case Operator::kBitAnd:
      return a & b;
    case Operator::kBitOr:
      return a | b;
    case Operator::kBitXor:
      return a ^ b;
    case Operator::kLeft:
      return shift(a, b, true);
    case Operator::kRight:
      return shift(a, b, false);
    case Operator::kLeast:
      return std::min(a, b);
    case Operator::kMost:
      return std::max(a, b);
    default:
      throw Stop::kType;
  }
}

// What a thread's own copy of a reduced variable begins with.
std::int64_t neutral(Operator op) {
  switch (op) {
    case Operator::kMultiply:
      return 1;
    case Operator::kBitAnd:
      return -1;
    case Operator::kLeast:
      return INT32_MAX;
    case Operator::kMost:
      return INT32_MIN;
    default:
      return 0;
  }
}

// Which iterations of a parallel loop touched which places.
class Accesses {
 public:
  void begin_iteration() { ++iteration_; }
  void note(const void* place, bool writes) {
    Touched& t = touched_[place];
    const bool others_wrote = t.writer != 0 && t.writer != iteration_;
    const bool others_read = t.reader != 0 && (t.reader != iteration_ || t.several_read);
    if (others_wrote || (writes && others_read)) throw Stop::kRace;
    if (writes) {
      t.writer = iteration_;
    } else {
      t.several_read = others_read;
      t.reader = iteration_;
    }
  }

 private:
  struct Touched {
    std::uint64_t writer = 0, reader = 0;  // iterations, from 1
    bool several_read = false;
  };
  std::unordered_map<const void*, Touched> touched_;
  std::uint64_t iteration_ = 0;
};

class Runner {
 public:
  Runner(const Program& program, std::uint64_t max_steps)
      : program_(program), max_steps_(max_steps), steps_left_(max_steps) {}

  // Steps so far, less those that other threads ran meanwhile.
  [[nodiscard]] std::uint64_t time() const { return max_steps_ - steps_left_ - saved_ + forks_; }

  std::int64_t start(const Function& f, std::span<const Argument> arguments) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (f.parameters[i].array != (arguments[i].array != nullptr)) throw Stop::kType;
      if (arguments[i].array == nullptr) {
        values.push_back({arguments[i].value, -1});
        continue;
      }
      values.push_back({0, static_cast<std::ptrdiff_t>(arrays_.size())});
      arrays_.push_back({arguments[i].array, f.parameters[i].constant});
    }
    const Value result = enter(f, std::move(values));
    if (f.returns && result.n == kUnset) throw Stop::kNoResult;
    return f.returns ? result.n : 0;
  }

 private:
  Value enter(const Function& f, std::vector<Value> values) {
    if (++calls_ > kMaxCalls) throw Stop::kDepth;
    std::vector<Value> outer = std::move(slots_);
    const std::size_t arrays = arrays_.size(), owned = own_.size();
    slots_ = std::move(values);
    slots_.resize(f.slots);
    result_ = {};
    (void)run(f.body);
    const Value result = result_;
    result_ = {};
    slots_ = std::move(outer);
    arrays_.resize(arrays);
    own_.resize(owned);
    --calls_;
    return result;
  }

  void count() {
    if (steps_left_ == 0) throw Stop::kSteps;
    --steps_left_;
  }
  [[nodiscard]] const Node& node(std::size_t index) const { return program_.nodes[index]; }

  [[nodiscard]] std::int64_t number(std::size_t index) {
    const Value v = value(index);
    if (v.array >= 0) throw Stop::kType;
    if (v.n == kUnset) throw Stop::kUnset;
    return v.n;
  }

  // The variable or cell that a node names.
  std::int64_t& cell(const Node& index, bool writes) {
    const Value base = value(index.kids[0]);
    const std::int64_t at = number(index.kids[1]) + base.n;
    if (base.array < 0) throw Stop::kType;
    const auto array = static_cast<std::size_t>(base.array);
    const Cells& cells = arrays_[array];
    if (at < 0 || at >= static_cast<std::int64_t>(cells.data->size())) throw Stop::kBounds;
    if (writes && cells.constant) throw Stop::kConstant;
    std::int64_t& found = (*cells.data)[static_cast<std::size_t>(at)];
    // Arrays made in an iteration are its own.
    if (region_ && array < region_->shared_arrays) region_->accesses.note(&found, writes);
    return found;
  }

  // A variable; those of the function that holds the loop are shared unless the loop owns them.
  Value& variable(std::size_t slot, bool writes) {
    if (region_ && calls_ == region_->calls && !region_->owned[slot]) {
      region_->accesses.note(&slots_[slot], writes);
    }
    return slots_[slot];
  }

  Value store(const Node& target, Value v) {
    if (v.n == kUnset) throw Stop::kUnset;
    if (target.kind == NodeKind::kName) return variable(target.slot, true) = v;
    if (v.array >= 0) throw Stop::kType;
    cell(target, true) = v.n;
    return v;
  }

  // Numbers, or a place in an array moved by a number.
  static Value combine(Operator op, Value a, Value b) {
    if (a.n == kUnset || b.n == kUnset) throw Stop::kUnset;
    const bool moves = op == Operator::kAdd || op == Operator::kSubtract;
    if (b.array >= 0 || (a.array >= 0 && !moves)) throw Stop::kType;
    return {compute(op, a.n, b.n), a.array};
  }

  Value assign(const Node& n) {
    const Node& target = node(n.kids[0]);
    const Value right = value(n.kids[1]);
    if (n.op == Operator::kNone) return store(target, right);
    return store(target, combine(n.op, value(n.kids[0]), right));
  }

  Value step(const Node& n) {
    const Value before = value(n.kids[0]);
    const Value after = combine(Operator::kAdd, before, {n.value, -1});
    (void)store(node(n.kids[0]), after);
    return n.postfix ? before : after;
  }

  Value invoke(const Node& n) {
    const Function& f = program_.functions[n.slot];
    std::vector<Value> values;
    for (std::size_t i = 0; i < n.kids.size(); ++i) {
      values.push_back(value(n.kids[i]));
      if (values.back().n == kUnset) throw Stop::kUnset;
      if (f.parameters[i].array != (values.back().array >= 0)) throw Stop::kType;
    }
    return enter(f, std::move(values));
  }

  Value unary(const Node& n) {
    const std::int64_t v = number(n.kids[0]);
    if (n.op == Operator::kNot) return {v == 0, -1};
    return {n.op == Operator::kMinus ? as_int(-v) : ~v, -1};
  }

  Value value(std::size_t index) {
    count();
    const Node& n = node(index);
    switch (n.kind) {
      case NodeKind::kNumber:
        return {n.value, -1};
      case NodeKind::kName:
        return variable(n.slot, false);
      case NodeKind::kIndex:
        return {cell(n, false), -1};
      case NodeKind::kCall:
        return invoke(n);
      case NodeKind::kUnary:
        return unary(n);
      case NodeKind::kBinary: {
        const Value left = value(n.kids[0]);
        return combine(n.op, left, value(n.kids[1]));
      }
      case NodeKind::kAnd:
        return {number(n.kids[0]) != 0 && number(n.kids[1]) != 0, -1};
      case NodeKind::kOr:
        return {number(n.kids[0]) != 0 || number(n.kids[1]) != 0, -1};
      case NodeKind::kChoice:
        return value(number(n.kids[0]) != 0 ? n.kids[1] : n.kids[2]);
      case NodeKind::kAssign:
        return assign(n);
      case NodeKind::kStep:
        return step(n);
      default:
        throw Stop::kType;
    }
  }

  void declare(const Node& n) {
    if (n.kind == NodeKind::kDeclare) {
      slots_[n.slot] = n.kids.empty() ? Value{} : value(n.kids[0]);
      return;
    }
    // Cells cost steps: a loop makes as many arrays as it has rounds.
    for (std::int64_t cells = 0; cells < n.value; cells += 8) count();
    // With an initialiser the cells it does not name are 0 (ISO C17, 6.7.9).
    std::vector<std::int64_t>& cells =
        own_.emplace_back(static_cast<std::size_t>(n.value), n.kids.empty() ? kUnset : 0);
    for (std::size_t i = 0; i < n.kids.size(); ++i) cells[i] = number(n.kids[i]);
    slots_[n.slot] = {0, static_cast<std::ptrdiff_t>(arrays_.size())};
    arrays_.push_back({&cells, false});
  }

  // Whether the loop goes on after its body.
  static bool goes_on(Flow flow) { return flow == Flow::kNext || flow == Flow::kContinue; }

  Flow loop(const Node& n, std::size_t condition, std::size_t body, std::size_t step) {
    bool first = n.kind == NodeKind::kDo;
    for (;; first = false) {
      const bool free = node(condition).kind == NodeKind::kNothing;
      if (!first && !free && number(condition) == 0) return Flow::kNext;
      count();
      const Flow flow = run(body);
      if (flow == Flow::kReturn) return flow;
      if (!goes_on(flow)) return Flow::kNext;
      if (n.kind == NodeKind::kFor) (void)run(step);
    }
  }

  // Which slots of the frame each thread has for itself.
  [[nodiscard]] std::vector<bool> owned_slots(const ParallelLoop& loop) const {
    std::vector<bool> out(slots_.size(), false);
    for (std::size_t s = loop.first_inside; s < loop.end_inside; ++s) out[s] = true;
    for (const std::size_t s : loop.own) out[s] = true;
    for (const auto& r : loop.reductions) out[r.slot] = true;
    out[loop.counter] = true;
    return out;
  }

  // The counter's values, found by running the loop's head alone.
  [[nodiscard]] std::vector<std::int64_t> iterations(const Node& n, const ParallelLoop& loop) {
    std::vector<std::int64_t> out;
    for ((void)run(n.kids[0]); number(n.kids[1]) != 0; (void)run(n.kids[2])) {
      out.push_back(slots_[loop.counter].n);
    }
    return out;
  }

  void run_parallel(const Node& n, const ParallelLoop& loop) {
    const Node& inner = node(n.kids[0]);
    const std::vector<Value> before = slots_;
    const std::uint64_t before_head = steps_left_;
    const std::vector<std::int64_t> counters = iterations(inner, loop);
    const std::uint64_t head = before_head - steps_left_;  // each thread counts its own share
    region_.emplace(Region{calls_, arrays_.size(), owned_slots(loop), {}});
    std::vector<Value> reduced;
    for (const auto& r : loop.reductions) reduced.push_back(before[r.slot]);
    std::uint64_t all = 0, slowest = 0;
    for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
      const std::uint64_t start = steps_left_;
      for (const auto& r : loop.reductions) slots_[r.slot] = {neutral(r.op), -1};
      const std::size_t end = counters.size() * (thread + 1) / kThreads;
      for (std::size_t i = counters.size() * thread / kThreads; i < end; ++i) {
        region_->accesses.begin_iteration();
        for (const std::size_t s : loop.own) slots_[s] = {};
        slots_[loop.counter] = {counters[i], -1};
        (void)run(inner.kids[3]);
        for (const auto& r : loop.reductions) {
          if (slots_[r.slot].array >= 0) throw Stop::kType;
        }
      }
      for (std::size_t r = 0; r < reduced.size() && !counters.empty(); ++r) {
        const auto& [slot, op] = loop.reductions[r];
        reduced[r] = combine(op, reduced[r], slots_[slot]);
      }
      all += start - steps_left_;
      slowest = std::max(slowest, start - steps_left_);
    }
    region_.reset();
    saved_ += all - slowest + head - head / kThreads;
    forks_ += kForkSteps;
    // Outside the loop its threads' own variables are what they were.
    for (const std::size_t s : loop.own) slots_[s] = before[s];
    slots_[loop.counter] = before[loop.counter];
    for (std::size_t r = 0; r < reduced.size(); ++r) slots_[loop.reductions[r].slot] = reduced[r];
  }

  Flow run(std::size_t index) {
    count();
    const Node& n = node(index);
    switch (n.kind) {
      case NodeKind::kBlock:
        for (const std::size_t kid : n.kids) {
          if (const Flow flow = run(kid); flow != Flow::kNext) return flow;
        }
        return Flow::kNext;
      case NodeKind::kIf:
        if (number(n.kids[0]) != 0) return run(n.kids[1]);
        return n.kids.size() > 2 ? run(n.kids[2]) : Flow::kNext;
      case NodeKind::kWhile:
        return loop(n, n.kids[0], n.kids[1], 0);
      case NodeKind::kDo:
        return loop(n, n.kids[1], n.kids[0], 0);
      case NodeKind::kFor:
        (void)run(n.kids[0]);
        return loop(n, n.kids[1], n.kids[3], n.kids[2]);
      case NodeKind::kParallel:
        if (region_) return run(n.kids[0]);  // a thread of a loop is alone in another
        run_parallel(n, program_.parallel[n.slot]);
        return Flow::kNext;
      case NodeKind::kReturn:
        if (!n.kids.empty()) result_ = {number(n.kids[0]), -1};
        return Flow::kReturn;
      case NodeKind::kBreak:
        return Flow::kBreak;
      case NodeKind::kContinue:
        return Flow::kContinue;
      case NodeKind::kDeclare:
      case NodeKind::kArray:
        declare(n);
        return Flow::kNext;
      case NodeKind::kNothing:
        return Flow::kNext;
      default:
        (void)value(index);
        return Flow::kNext;
    }
  }

  // The parallel loop at work.
  struct Region {
    int calls;  // in the function that holds it
    std::size_t shared_arrays;
    std::vector<bool> owned;
    Accesses accesses;
  };

  const Program& program_;
  std::uint64_t max_steps_, steps_left_, saved_ = 0, forks_ = 0;
  std::optional<Region> region_;
  int calls_ = 0;
  Value result_;
  std::vector<Value> slots_;
  std::vector<Cells> arrays_;
  std::deque<std::vector<std::int64_t>> own_;  // of local arrays
};

}  // namespace

const char* stop_text(Stop stop) {
  switch (stop) {
    case Stop::kNone:
      return "";
    case Stop::kOverflow:
      return "an int overflows";
    case Stop::kBounds:
      return "an index is out of bounds";
    case Stop::kDivision:
      return "division by zero";
    case Stop::kUnset:
      return "something is read before it is set";
    case Stop::kType:
      return "a number stands where an array is wanted, or the other way round";
    case Stop::kSteps:
      return "it does not come to an end";
    case Stop::kDepth:
      return "calls are nested too deeply";
    case Stop::kConstant:
      return "a const array is written";
    case Stop::kNoResult:
      return "it returns nothing";
    case Stop::kRace:
      return "two iterations touch the same place and one writes it";
  }
  return "";
}

Outcome call(const Program& program, const Function& function, std::span<const Argument> arguments,
             std::uint64_t max_steps) {
  if (arguments.size() != function.parameters.size()) return {Stop::kType, 0, 0};
  Runner runner(program, max_steps);
  try {
    const std::int64_t result = runner.start(function, arguments);
    return {Stop::kNone, result, runner.time()};
  } catch (const Stop stop) {
    return {stop, 0, runner.time()};
  }
}

}  // namespace stateutils::bench::mini_c
