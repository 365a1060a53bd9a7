// Recorded sequences of a small plant (two tanks, a pump on request, jobs served) and the contract
// that tells them from anything a little different.
#include <algorithm>

#include "bench/families/small/small.hpp"
#include "bench/judge/probe.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

struct Tick {
  std::int64_t left = 0, right = 0, served = 0, waiting = 0, clock = 0, remaining = 0;
  std::string pump = "idle";
};

std::vector<Tick> simulate(std::int64_t ticks, std::int64_t within, core::Rng& rng) {
  std::vector<Tick> out;
  Tick now;
  now.left = 20 + static_cast<std::int64_t>(rng.below(60));
  now.right = 20 + static_cast<std::int64_t>(rng.below(60));
  now.waiting = ticks + 1;
  now.remaining = ticks;
  std::int64_t due = 0;
  for (std::int64_t t = 0; t <= ticks; ++t) {
    out.push_back(now);
    const auto moved = static_cast<std::int64_t>(
        rng.below(static_cast<std::uint64_t>(std::max<std::int64_t>(now.left, 0)) + 1));
    const bool forth = rng.below(2) == 0;
    now.left += forth ? -moved : std::min<std::int64_t>(moved, now.right);
    now.right -= forth ? -moved : std::min<std::int64_t>(moved, now.right);
    if (rng.below(2) == 0 || t % 2 == 0) ++now.served, --now.waiting;
    ++now.clock, --now.remaining;
    if (now.pump == "requested") {
      if (--due == 0) now.pump = "running";
    } else if (now.pump == "running") {
      now.pump = "idle";
    } else if (rng.below(3) == 0 && t + within < ticks) {
      now.pump = "requested";
      due = 1 + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(within)));
    }
  }
  return out;
}

std::string state_json(const Tick& tick) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("config").begin_object();
  json.field("clock", tick.clock).field("remaining", tick.remaining);
  json.field("served", tick.served).field("waiting", tick.waiting).end_object();
  json.key("pumps").begin_array().begin_object().field("id", "p1").field("state", tick.pump);
  json.end_object().end_array().key("tanks").begin_array();
  json.begin_object().field("id", "left").field("level", tick.left).end_object();
  json.begin_object().field("id", "right").field("level", tick.right).end_object();
  json.end_array().end_object();
  return out;
}

std::string contract_json(std::int64_t within) {
  return R"({"probe":[)"
         R"({"conserve":["$.tanks[left].level","$.tanks[right].level"],"id":"volume"},)"
         R"({"conserve":["$.config.served","$.config.waiting"],"id":"jobs"},)"
         R"({"conserve":["$.config.clock","$.config.remaining"],"id":"time"},)"
         R"({"dir":"up","id":"served","monotone":"$.config.served"},)"
         R"({"dir":"up","id":"clock","monotone":"$.config.clock"},)"
         R"({"id":"left","invariant":{"cond":"gte","path":"$.tanks[left].level","value":0}},)"
         R"({"id":"right","invariant":{"cond":"gte","path":"$.tanks[right].level","value":0}},)"
         R"({"id":"pump","invariant":{"cond":"in","path":"$.pumps[p1].state",)"
         R"("value":["idle","requested","running"]}},)"
         R"({"after":{"cond":"eq","path":"$.pumps[p1].state","value":"requested"},"id":"answer",)"
         R"("then":{"cond":"eq","path":"$.pumps[p1].state","value":"running"},"within":)" +
         std::to_string(within) + "}]}";
}

// Counts what the probes say about sequences that are a little wrong.
class Hardening {
 public:
  Hardening(const std::vector<Tick>& ticks, const std::string& contract)
      : ticks_(ticks), contract_(contract, "contract", false) {
    probes_ = read_probes(contract_.root().at("probe"), store_);
  }

  bool run() {
    if (!holds(ticks_)) return false;
    for (std::size_t t = 0; t < ticks_.size(); ++t) one(t);
    std::vector<Tick> turned(ticks_.rbegin(), ticks_.rend());
    mutant(turned);
    return killed_ == mutants_;
  }
  [[nodiscard]] std::string json() const {
    std::string out;
    core::JsonWriter json(out);
    json.begin_object().field("ok", true).field("plans_accepted", 1);
    json.field("mutants", mutants_).field("equivalent", 0).field("killed", killed_);
    json.key("survivors").raw("[]").field("twins", 0);
    json.key("shortcuts").raw(R"({"noop":false,"blind":false,"stale":false})");
    json.field("states", ticks_.size()).end_object();
    return out;
  }

 private:
  [[nodiscard]] bool holds(const std::vector<Tick>& ticks) {
    std::vector<Id> states;
    for (const Tick& tick : ticks) {
      const Document document{state_json(tick), "tick", false};
      states.push_back(store_.read_state(document.root(), store_.empty_state()));
    }
    return std::none_of(probes_.begin(), probes_.end(), [&](const Probe& p) {
      return first_failure(p, states, store_).has_value();
    });
  }

  void mutant(const std::vector<Tick>& ticks) {
    ++mutants_;
    killed_ += !holds(ticks);
  }

  // Each value of one tick a little or far off, the pump in no known state, two ticks exchanged.
  void one(std::size_t t) {
    static constexpr std::int64_t Tick::*kNumbers[] = {
        &Tick::left, &Tick::right, &Tick::served, &Tick::waiting, &Tick::clock, &Tick::remaining};
    for (const auto number : kNumbers) {
      for (const std::int64_t by : {-1, 1, 1000}) {
        std::vector<Tick> ticks = ticks_;
        ticks[t].*number += by;
        mutant(ticks);
      }
    }
    std::vector<Tick> ticks = ticks_;
    ticks[t].pump = "broken";
    mutant(ticks);
    if (t == 0) return;
    ticks = ticks_;
    std::swap(ticks[t - 1], ticks[t]);
    mutant(ticks);
  }

  const std::vector<Tick>& ticks_;
  Document contract_;
  Store store_;
  std::vector<Probe> probes_;
  std::uint64_t mutants_ = 0, killed_ = 0;
};

}  // namespace

TaskRecord make_probe(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  const std::int64_t ticks = options.difficulty == "easy"   ? 12
                             : options.difficulty == "hard" ? 40
                                                            : 24;
  for (;;) {
    const std::int64_t within = 2 + static_cast<std::int64_t>(rng.below(3));
    const std::vector<Tick> run = simulate(ticks, within, rng);
    const std::string contract = contract_json(within);
    Hardening hardening(run, contract);
    if (!hardening.run()) continue;
    TaskRecord task = small_record(
        options, "plant", "temporal_contracts", index,
        "Record one state per tick of the plant: what leaves one tank arrives in the other, served "
        "and waiting jobs add up, a requested pump runs within " +
            std::to_string(within) + " ticks.");
    task.set("init", R"({"base":{},"clock":[],"overlay":{}})");
    task.set("contract", contract);
    std::string sequence = "[";
    for (const Tick& tick : run) sequence += (sequence.size() > 1 ? "," : "") + state_json(tick);
    task.set("sequence", sequence + "]");
    task.set("validation", hardening.json());
    return task;
  }
}

}  // namespace stateutils::bench
