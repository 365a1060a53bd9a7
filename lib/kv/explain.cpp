#include "kv/explain.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "kv/formulas.hpp"

namespace stateutils::kv {
namespace {

using core::quoted;

// The inputs of one question; what has not been asked for at the end was unknown.
class Inputs {
 public:
  Inputs(const nlohmann::json& object, std::string file) : object_(object), file_(std::move(file)) {
    if (!object.is_object()) throw fail("the inputs are one JSON object");
  }
  [[nodiscard]] core::Error fail(const std::string& message) const {
    return core::input_error({file_, {}, {}}, message);
  }
  const nlohmann::json& get(const std::string& key) {
    asked_.insert(key);
    if (!object_.contains(key)) throw fail(quoted(key) + " is missing");
    return object_.at(key);
  }
  bool has(const std::string& key) {
    asked_.insert(key);
    return object_.contains(key);
  }
  double number(const std::string& key, double least = 0) {
    return number_of(key, get(key), least);
  }
  double positive(const std::string& key) {
    const double value = number(key);
    if (value == 0) throw fail(quoted(key) + " is 0");
    return value;
  }
  [[nodiscard]] double number_of(const std::string& key, const nlohmann::json& value,
                                 double least) const {
    if (!value.is_number()) throw fail(quoted(key) + ": expected a number");
    const auto number = value.get<double>();
    if (!(number >= least) || !std::isfinite(number)) throw fail(quoted(key) + " is too small");
    return number;
  }
  const nlohmann::json& list(const std::string& key) {
    const nlohmann::json& value = get(key);
    if (!value.is_array()) throw fail(quoted(key) + ": expected an array");
    return value;
  }
  [[nodiscard]] std::string text(const std::string& key, const nlohmann::json& value) const {
    if (!value.is_string()) throw fail(quoted(key) + ": expected agents' names");
    return value.get<std::string>();
  }
  void end() const {
    for (const auto& [key, value] : object_.items()) {
      if (!asked_.contains(key)) throw fail("unknown input " + quoted(key));
    }
  }

 private:
  const nlohmann::json& object_;
  std::string file_;
  std::set<std::string> asked_;
};

void ttl(Inputs& in, core::JsonWriter& out) {
  std::vector<double> samples;
  if (in.has("samples")) {
    for (const nlohmann::json& sample : in.list("samples")) {
      samples.push_back(in.number_of("samples", sample, 0));
    }
  }
  const double benefit = in.number("benefit");
  in.end();
  const TtlChoice choice = choose_ttl(samples, benefit);
  out.field("ttl", choice.ttl).field("score", choice.score);
}

void eta(Inputs& in, core::JsonWriter& out) {
  std::vector<std::uint64_t> lengths;
  for (const nlohmann::json& length : in.list("lengths")) {
    if (!length.is_number_unsigned()) throw in.fail("\"lengths\": expected counts of turns");
    lengths.push_back(length.get<std::uint64_t>());
  }
  in.end();
  out.field("eta", turn_eta(lengths));
}

void steps(Inputs& in, core::JsonWriter& out) {
  StepGraph graph;
  graph.running = in.text("running", in.get("running"));
  for (const nlohmann::json& edge : in.list("edges")) {
    if (!edge.is_array() || edge.size() != 2) throw in.fail("\"edges\": expected [from, to] pairs");
    graph.edges.emplace_back(in.text("edges", edge[0]), in.text("edges", edge[1]));
  }
  if (in.has("and")) {
    for (const nlohmann::json& join : in.list("and")) graph.all_of.insert(in.text("and", join));
  }
  if (in.has("known")) {
    const nlohmann::json& known = in.get("known");
    if (!known.is_object()) throw in.fail("\"known\": expected an object of agent: steps");
    for (const auto& [agent, value] : known.items()) {
      graph.known[agent] = in.number_of("known", value, 0);
    }
  }
  in.end();
  for (const auto& [agent, value] : steps_to_execution(graph)) out.field(agent, value);
}

void swap(Inputs& in, core::JsonWriter& out) {
  const double blocks = in.number("blocks"), groups = in.number("groups");
  const double layers = in.number("layers"), bytes = in.number("bytes_per_block");
  const double t_call = in.number("t_call"), bw = in.positive("bw");
  in.end();
  const SwapTime time = swap_time(blocks, groups, layers, bytes, t_call, bw);
  out.field("calls", time.calls).field("bytes", time.bytes).field("seconds", time.seconds);
}

void reload(Inputs& in, core::JsonWriter& out) {
  const double p = in.positive("p"), d = in.positive("d"), layers = in.positive("layers");
  const double gqa = in.positive("gqa"), s = in.positive("s"), flops = in.positive("flops");
  in.end();
  const ReloadRule rule = reload_rule(p, d, layers, gqa, s, flops);
  out.field("min_bw", rule.min_bandwidth).field("prefill_flops", rule.prefill_flops);
}

}  // namespace

const std::vector<std::string>& explain_topics() {
  static const std::vector<std::string> topics = {"ttl", "eta", "steps", "swap", "reload"};
  return topics;
}

std::string explain(const std::string& topic, std::string_view text, const std::string& file) {
  const nlohmann::json object = core::parse_json(text, file);
  Inputs in(object, file);
  std::string answer;
  core::JsonWriter out(answer);
  out.begin_object();
  if (topic == "ttl") ttl(in, out);
  if (topic == "eta") eta(in, out);
  if (topic == "steps") steps(in, out);
  if (topic == "swap") swap(in, out);
  if (topic == "reload") reload(in, out);
  out.end_object();
  return answer;
}

}  // namespace stateutils::kv
