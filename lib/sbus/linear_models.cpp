#include "sbus/linear_models.hpp"

#include <map>
#include <unordered_map>

namespace stateutils::sbus {
namespace {

// Values as small numbers; 0 is the initial state.
class Numbered {
 public:
  explicit Numbered(const std::string& initial) { (void)number(initial); }
  std::uint32_t number(const std::string& text) {
    return numbers_.emplace(text, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

// Strings under append. States are the nodes of a tree of all strings that were read. A string that
// is a prefix of none of them, and whatever is appended to it, can never be read, so all of those
// are one state, kLost. Node 0 is the empty string.
class PrefixTree {
 public:
  static constexpr std::uint32_t kLost = UINT32_MAX;

  std::uint32_t add(std::string_view text) {
    std::uint32_t node = 0;
    for (const char c : text) {
      const auto [entry, added] = child_.emplace(edge(node, c), nodes_);
      if (added) ++nodes_;
      node = entry->second;
    }
    return node;
  }
  [[nodiscard]] std::uint32_t walk(std::uint32_t node, std::string_view text) const {
    for (const char c : text) {
      if (node == kLost) return kLost;
      const auto entry = child_.find(edge(node, c));
      node = entry == child_.end() ? kLost : entry->second;
    }
    return node;
  }

 private:
  static std::uint64_t edge(std::uint32_t node, char c) {
    return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(c);
  }
  std::unordered_map<std::uint64_t, std::uint32_t> child_;
  std::uint32_t nodes_ = 1;
};

struct ModelOp {
  enum class Kind : std::uint8_t { kRead, kWrite, kCas, kAppend, kAcquire, kRelease } kind;
  std::uint32_t value = 0, old = 0;  // read: what it must be; cas: old -> value
  std::string text;                  // of a key-value write or append
};

class Object {
 public:
  Object(LinearModel model, const std::string& file)
      : model_(model), file_(file), values_(initial_text(model)) {}

  void add(const Call& call) {
    if (call.status == Status::kFail) return;  // it did not happen
    const bool done = call.status == Status::kOk;
    ModelOp op = parse(call);
    // A read that nobody saw the result of says nothing.
    if (!done && op.kind == ModelOp::Kind::kRead) return;
    ops_.push_back(std::move(op));
    times_.push_back({call.start, done ? call.end : INT64_MAX, done});
  }
  [[nodiscard]] std::size_t size() const { return ops_.size(); }

  Verdict check(std::uint64_t budget) {
    const LinearStep step = [this](std::uint32_t state, std::uint32_t i) { return next(state, i); };
    return check_linear(times_, 0, step, budget);
  }

 private:
  static std::string initial_text(LinearModel model) {
    if (model == LinearModel::kKv) return "";
    return model == LinearModel::kRegister ? Value().canonical() : "free";
  }
  [[nodiscard]] core::Error unknown(const Call& call) const {
    return core::input_error({file_, call.line},
                             core::quoted(call.f) + " is no operation of this model");
  }
  std::string text_of(const Value& value) const {
    if (model_ == LinearModel::kRegister) return value.canonical();
    return value.kind == Value::Kind::kText ? value.text : value.is_nil() ? "" : value.canonical();
  }

  ModelOp parse(const Call& call) {
    const Value& result = call.status == Status::kOk ? call.result : call.argument;
    if (model_ == LinearModel::kMutex) {
      if (call.f == "acquire") return {ModelOp::Kind::kAcquire, 0, 0, {}};
      if (call.f == "release") return {ModelOp::Kind::kRelease, 0, 0, {}};
      throw unknown(call);
    }
    const bool kv = model_ == LinearModel::kKv;
    if (call.f == "read" || call.f == "get" || call.f == "r") {
      const bool seen = call.status == Status::kOk;
      if (kv) return {ModelOp::Kind::kRead, seen ? tree_.add(text_of(result)) : 0, 0, {}};
      return {ModelOp::Kind::kRead, values_.number(text_of(result)), 0, {}};
    }
    if (call.f == "write" || call.f == "put" || call.f == "w") {
      if (kv) return {ModelOp::Kind::kWrite, 0, 0, text_of(call.argument)};
      return {ModelOp::Kind::kWrite, values_.number(text_of(call.argument)), 0, {}};
    }
    if (call.f == "append" && kv) return {ModelOp::Kind::kAppend, 0, 0, text_of(call.argument)};
    if (call.f == "cas" && !kv && call.argument.items.size() == 2) {
      return {ModelOp::Kind::kCas,
              values_.number(text_of(call.argument.items[1])),
              values_.number(text_of(call.argument.items[0])),
              {}};
    }
    throw unknown(call);
  }

  std::optional<std::uint32_t> next(std::uint32_t state, std::uint32_t i) {
    const ModelOp& op = ops_[i];
    switch (op.kind) {
      case ModelOp::Kind::kRead:
        return op.value == state ? std::optional(state) : std::nullopt;
      case ModelOp::Kind::kWrite:
        return model_ == LinearModel::kKv ? append(0, i) : op.value;
      case ModelOp::Kind::kAppend:
        return append(state, i);
      case ModelOp::Kind::kCas:
        return op.old == state ? std::optional(op.value) : std::nullopt;
      case ModelOp::Kind::kAcquire:
        return state == 0 ? std::optional(1u) : std::nullopt;
      case ModelOp::Kind::kRelease:
        return state == 1 ? std::optional(0u) : std::nullopt;
    }
    return std::nullopt;
  }

  // The state after the text of operation i was appended to `state`.
  std::uint32_t append(std::uint32_t state, std::uint32_t i) {
    if (state == PrefixTree::kLost) return state;
    const std::uint64_t edge = static_cast<std::uint64_t>(state) << 32 | i;
    const auto known = appended_.find(edge);
    if (known != appended_.end()) return known->second;
    const std::uint32_t after = tree_.walk(state, ops_[i].text);
    appended_.emplace(edge, after);
    return after;
  }

  LinearModel model_;
  const std::string& file_;
  Numbered values_;
  PrefixTree tree_;
  std::vector<ModelOp> ops_;
  std::vector<LinearOp> times_;
  std::unordered_map<std::uint64_t, std::uint32_t> appended_;
};

}  // namespace

LinearResult check_linear_history(const std::vector<Call>& calls, LinearModel model,
                                  std::uint64_t budget, const std::string& file) {
  std::map<std::string, Object> objects;
  for (const Call& call : calls) {
    const std::string key = call.key.kind == Value::Kind::kText ? call.key.text
                            : call.key.is_nil()                 ? std::string()
                                                                : call.key.canonical();
    objects.try_emplace(key, model, file).first->second.add(call);
  }
  LinearResult out;
  for (auto& [key, object] : objects) {
    out.operations += object.size();
    ++out.objects;
    switch (object.check(budget)) {
      case Verdict::kInvalid:
        out.bad_keys.push_back(key);
        break;
      case Verdict::kUnknown:
        out.unknown_keys.push_back(key);
        break;
      case Verdict::kValid:
        break;
    }
  }
  if (!out.unknown_keys.empty()) out.verdict = Verdict::kUnknown;
  if (!out.bad_keys.empty()) out.verdict = Verdict::kInvalid;
  return out;
}

}  // namespace stateutils::sbus
