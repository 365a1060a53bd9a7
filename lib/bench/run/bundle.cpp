#include "bench/run/bundle.hpp"

#include <map>

#include "core/dom.hpp"
#include "core/hash.hpp"
#include "core/input.hpp"

namespace stateutils::bench {
namespace {

using Members = std::map<std::string_view, std::string>;

std::string object_of(const Members& members) {
  std::string out = "{";
  for (const auto& [key, json] : members) {
    if (out.size() > 1) out.push_back(',');
    append_json_string(out, key);
    out += ":" + json;
  }
  return out + "}";
}

// Steps without "ms"; everything else as it is.
std::string timeless(simdjson::dom::object trial) {
  Members members;
  for (const auto field : trial) {
    simdjson::dom::array steps;
    if (field.key != "steps" || field.value.get(steps) != simdjson::SUCCESS) {
      members[field.key] = canonical(field.value);
      continue;
    }
    std::string list;
    for (const simdjson::dom::element step : steps) {
      Members kept;
      for (const auto entry : simdjson::dom::object(step)) {
        if (entry.key != "ms") kept[entry.key] = canonical(entry.value);
      }
      list += (list.empty() ? "" : ",") + object_of(kept);
    }
    members[field.key] = "[" + list + "]";
  }
  return object_of(members);
}

class BundleAgent : public Agent {
 public:
  explicit BundleAgent(Bundle bundle) : bundle_(std::move(bundle)) {}
  [[nodiscard]] std::string name() const override { return bundle_.agent; }
  std::string play(Episode& episode, int, core::Rng&) override {
    (void)play_plan(episode, bundle_.plan);
    return bundle_.end;
  }

 private:
  Bundle bundle_;
};

}  // namespace

std::string bundle_json(std::string_view trial) {
  simdjson::dom::parser parser;
  const simdjson::dom::object object = simdjson::dom::element(core::parse_json(parser, trial));
  const std::string text = timeless(object);
  return "{\"bundle\":1,\"sha256\":\"" + core::sha256_hex(text) + "\",\"trial\":" + text + "}";
}

Bundle read_bundle(const std::string& path) {
  const Document document{core::read_file(path, 64u << 20), path, false};
  const Cursor root = document.root();
  refuse_doubled_keys(root);
  if (root.at("bundle").integer() != 1) throw root.error("a bundle of another version");
  const Cursor trial = root.at("trial");
  Bundle out;
  out.trial = canonical(trial.element());
  if (core::sha256_hex(out.trial) != root.at("sha256").string()) {
    throw root.at("sha256").error("is not the SHA-256 of the trial");
  }
  out.task_id = trial.at("task_id").string();
  out.agent = trial.at("agent").string();
  out.number = static_cast<int>(trial.at("trial").integer());
  out.seed = static_cast<std::uint64_t>(trial.at("seed").integer());
  out.end = trial.at("end").string();
  out.sandbox = trial.at("sandbox").string();
  if (const auto tokens = trial.find("tokens"); tokens && !tokens->is_null()) {
    out.tokens = canonical(tokens->element());
  }
  if (const auto cost = trial.find("cost")) out.cost = cost->number();
  trial.at("steps").items([&](const Cursor& step) {
    out.plan.emplace_back(step.at("cmd").string());
    out.keeps_output = out.keeps_output || step.find("stdout");
  });
  return out;
}

std::unique_ptr<Agent> bundle_agent(const Bundle& bundle) {
  return std::make_unique<BundleAgent>(bundle);
}

}  // namespace stateutils::bench
