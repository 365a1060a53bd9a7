#include "sbus/byte_spec.hpp"

#include <optional>
#include <stdexcept>

#include "sbus/ori_state.hpp"

namespace stateutils::sbus {
namespace {

class OriSpec final : public ByteSpec {
 public:
  explicit OriSpec(const ModelParams& params)
      : params_(params), invariants_(checked_invariants(params)) {}

  [[nodiscard]] std::string initial() const override {
    return ori_bytes(params_, ori_initial(params_));
  }
  void steps(const std::string& state, const Visit& visit) const override {
    ori_steps(
        params_, ori_from_bytes(params_, state), [&](const OriStep& step, const OriState& next) {
          const unsigned broken = (step.broken_history | ori_broken(params_, next)) & invariants_;
          visit({step.action, -1, step.agent, step.shard, step.multiplicity, broken},
                ori_bytes(params_, next));
        });
  }
  [[nodiscard]] std::string canonical(const std::string& state) const override {
    return ori_bytes(params_, ori_canonical(params_, ori_from_bytes(params_, state)));
  }
  [[nodiscard]] std::string json(const std::string& state) const override {
    return ori_json(params_, ori_from_bytes(params_, state));
  }

 private:
  ModelParams params_;
  unsigned invariants_;
};

TraceStep describe(const ByteSpec& spec, const ByteStep& step, const std::string& state) {
  TraceStep out{std::string(action_name(step.action)), {}, spec.json(state)};
  if (step.node >= 0) out.args.push_back("n" + std::to_string(step.node + 1));
  if (step.agent >= 0) out.args.push_back("a" + std::to_string(step.agent + 1));
  if (step.shard >= 0) out.args.push_back("s" + std::to_string(step.shard + 1));
  return out;
}

}  // namespace

std::unique_ptr<ByteSpec> make_ori_spec(const ModelParams& params) {
  return std::make_unique<OriSpec>(params);
}

std::vector<TraceStep> make_trace(const ByteSpec& spec, const std::vector<std::string>& path,
                                  unsigned outcome) {
  std::vector<TraceStep> trace;
  std::string state = spec.initial();
  trace.push_back({"Init", {}, spec.json(state)});
  for (std::size_t i = 1; i < path.size(); ++i) {
    std::optional<std::string> next;
    const bool last = i + 1 == path.size();
    spec.steps(state, [&](const ByteStep& step, const std::string& successor) {
      if (next || (last && (step.broken & outcome) == 0)) return;
      if (spec.canonical(successor) != path[i]) return;
      next = successor;
      trace.push_back(describe(spec, step, successor));
    });
    if (!next) throw std::logic_error("a trace step has no predecessor");
    state = *next;
  }
  return trace;
}

}  // namespace stateutils::sbus
