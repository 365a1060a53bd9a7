#include "kv/objective.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/units.hpp"
#include "kv/config_paths.hpp"

namespace stateutils::kv {

struct Objective::Node {
  enum class Kind { kNumber, kField, kAdd, kSubtract, kMultiply, kDivide, kMin, kMax };
  Kind kind = Kind::kNumber;
  double number = 0;
  std::string field;
  std::vector<std::unique_ptr<Node>> parts;
};

namespace {

using ObjectiveNode = Objective::Node;

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(text) {}
  std::unique_ptr<ObjectiveNode> parse() {
    auto node = sum();
    if (at_ < text_.size()) fail("expected an operator");
    return node;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw core::usage_error("objective " + core::quoted(text_) + ", character " +
                            std::to_string(at_ + 1) + ": " + what);
  }
  void blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    blanks();
    return true;
  }
  static std::unique_ptr<ObjectiveNode> join(ObjectiveNode::Kind kind,
                                             std::unique_ptr<ObjectiveNode> a,
                                             std::unique_ptr<ObjectiveNode> b) {
    auto node = std::make_unique<ObjectiveNode>();
    node->kind = kind;
    node->parts.push_back(std::move(a));
    node->parts.push_back(std::move(b));
    return node;
  }
  std::unique_ptr<ObjectiveNode> sum() {
    auto node = product();
    for (;;) {
      if (take('+')) {
        node = join(ObjectiveNode::Kind::kAdd, std::move(node), product());
      } else if (take('-')) {
        node = join(ObjectiveNode::Kind::kSubtract, std::move(node), product());
      } else {
        return node;
      }
    }
  }
  std::unique_ptr<ObjectiveNode> product() {
    auto node = value();
    for (;;) {
      if (take('*')) {
        node = join(ObjectiveNode::Kind::kMultiply, std::move(node), value());
      } else if (take('/')) {
        node = join(ObjectiveNode::Kind::kDivide, std::move(node), value());
      } else {
        return node;
      }
    }
  }
  std::unique_ptr<ObjectiveNode> value() {
    if (++depth_ > 100) fail("nested too deeply");
    blanks();
    std::unique_ptr<ObjectiveNode> node;
    if (take('(')) {
      node = sum();
      if (!take(')')) fail("expected )");
    } else if (take('-')) {
      auto zero = std::make_unique<ObjectiveNode>();
      node = join(ObjectiveNode::Kind::kSubtract, std::move(zero), value());
    } else if (at_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[at_])) != 0)) {
      node = number();
    } else {
      node = name();
    }
    --depth_;
    return node;
  }
  std::unique_ptr<ObjectiveNode> number() {
    std::size_t end = at_;
    while (end < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 || text_[end] == '.' ||
            ((text_[end] == '-' || text_[end] == '+') && text_[end - 1] == 'e'))) {
      ++end;
    }
    const auto parsed = core::parse_double(std::string_view(text_).substr(at_, end - at_));
    if (!parsed) fail("expected a number");
    auto node = std::make_unique<ObjectiveNode>();
    node->number = *parsed;
    at_ = end;
    blanks();
    return node;
  }
  std::unique_ptr<ObjectiveNode> name() {
    std::size_t end = at_;
    while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 ||
                                  text_[end] == '_' || text_[end] == '.')) {
      ++end;
    }
    auto node = std::make_unique<ObjectiveNode>();
    node->field = text_.substr(at_, end - at_);
    if (node->field.empty()) fail("expected a number, a field or (");
    if (node->field == "min" || node->field == "max") {
      node->kind = node->field == "min" ? ObjectiveNode::Kind::kMin : ObjectiveNode::Kind::kMax;
      at_ = end;
      if (!take('(')) fail("expected (");
      do node->parts.push_back(sum());
      while (take(','));
      if (!take(')')) fail("expected )");
      return node;
    }
    if (!is_summary_field(node->field)) fail("no summary has a field " + core::quoted(node->field));
    node->kind = ObjectiveNode::Kind::kField;
    at_ = end;
    blanks();
    return node;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

double evaluate(const ObjectiveNode& node, const nlohmann::json& summary) {
  const auto part = [&](std::size_t i) { return evaluate(*node.parts[i], summary); };
  switch (node.kind) {
    case ObjectiveNode::Kind::kNumber:
      return node.number;
    case ObjectiveNode::Kind::kField: {
      const nlohmann::json* value = find_path(summary, node.field);
      return value != nullptr && value->is_number() ? value->get<double>() : std::nan("");
    }
    case ObjectiveNode::Kind::kAdd:
      return part(0) + part(1);
    case ObjectiveNode::Kind::kSubtract:
      return part(0) - part(1);
    case ObjectiveNode::Kind::kMultiply:
      return part(0) * part(1);
    case ObjectiveNode::Kind::kDivide:
      return part(0) / part(1);
    default: {
      double best = part(0);
      for (std::size_t i = 1; i < node.parts.size(); ++i) {
        const double other = part(i);
        best =
            node.kind == ObjectiveNode::Kind::kMin ? std::min(best, other) : std::max(best, other);
      }
      return best;
    }
  }
}

}  // namespace

bool is_summary_field(const std::string& path) {
  static const char* const plain[] = {"requests",
                                      "rejected",
                                      "makespan_s",
                                      "prefilled_tokens",
                                      "recomputed_tokens",
                                      "preemptions",
                                      "iterations",
                                      "swap_in_bytes",
                                      "swap_out_bytes",
                                      "transfers",
                                      "stall_s",
                                      "slo_attainment",
                                      "goodput_rps",
                                      "util",
                                      "energy_j",
                                      "cost",
                                      "memory.kv_bytes",
                                      "bound.belady",
                                      "bound.unbounded",
                                      "extrapolated_share",
                                      "memory.util",
                                      "memory.weights_bytes",
                                      "memory.reserve_bytes"};
  static const char* const times[] = {"ttft", "tpot", "tbt_max", "e2e", "queue", "jct", "tbt"};
  static const char* const shares[] = {"mean", "p50", "p90", "p95", "p99", "p999", "max"};
  if (std::ranges::find(plain, path) != std::end(plain)) return true;
  const std::size_t dot = path.find('.');
  if (dot == std::string::npos) return false;
  if (path.starts_with("hit_ratio.tokens.") || path.starts_with("hit_ratio.blocks.")) return true;
  return std::ranges::find(times, path.substr(0, dot)) != std::end(times) &&
         std::ranges::find(shares, path.substr(dot + 1)) != std::end(shares);
}

Objective::Objective(const std::string& text) : root_(Parser(text).parse()), text_(text) {}
Objective::~Objective() = default;
Objective::Objective(Objective&&) noexcept = default;

double Objective::of(const nlohmann::json& summary) const {
  const double value = evaluate(*root_, summary);
  if (!std::isfinite(value)) {
    throw core::input_error({}, "objective " + core::quoted(text_) + " has no value here");
  }
  return value;
}

}  // namespace stateutils::kv
