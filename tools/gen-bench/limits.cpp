#include <charconv>

#include "bench/score/stats.hpp"
#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct LimitsOptions {
  std::string what, op;
  std::int64_t a = 0, b = 0, c = 0;
};

int print(core::Io& io, const std::function<void(core::JsonWriter&)>& fields) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object();
  fields(json);
  json.end_object();
  io.out->write(text + "\n");
  summarize(io, "-", {});
  return 0;
}

int listops(const LimitsOptions& o, core::Io& io) {
  if (o.a < 1 || o.a > 1'000'000 || o.b < 1)
    throw core::usage_error("N is from 1 to 10^6, STEPS at least 1");
  bench::ListLimit limit;  // deterministic operations: 0 and 1
  if (o.op == "shuffle") {
    limit = bench::shuffle_limit(o.a, o.b);
  } else if (o.op == "replace_random" || o.op == "replace-random" || o.op == "random_replace") {
    if (o.b == 1) limit = bench::random_replace_limit(o.a);
  }
  return print(
      io, [&](core::JsonWriter& json) { json.field("kl", limit.kl).field("acc", limit.accuracy); });
}

}  // namespace

void register_limits(core::Tool& tool) {
  auto cmd = tool.subcommand(
      "limits", "closed forms: what no decoder or agent can beat, and how sure a score is");
  auto o = std::make_shared<LimitsOptions>();
  auto list =
      cmd.subcommand("listops", "least Kullback-Leibler divergence (nats) and ideal accuracy");
  list.option("OP", &o->op, "the list operation")
      .required()
      .one_of({"copy", "reverse", "sort", "insert", "remove", "replace", "replace_index",
               "replace_random", "random_replace", "replace-random", "shuffle", "latin_square",
               "sudoku"});
  list.option("N", &o->a, "items").required();
  list.option("STEPS", &o->b, "decoding steps").required();
  list.run([o](core::Io& io) { return listops(*o, io); });
  auto stats = cmd.subcommand("stats", "estimators and tests");
  for (const bool hat : {false, true}) {
    auto p =
        stats.subcommand(hat ? "pass^k" : "pass@k", hat ? "C(c,k)/C(n,k)" : "1 - C(n-c,k)/C(n,k)");
    auto v = std::make_shared<LimitsOptions>();
    p.option("N", &v->a, "trials").required().range(1, 1e9);
    p.option("C", &v->b, "passed").required().range(0, 1e9);
    p.option("K", &v->c, "drawn").required().range(1, 1e9);
    p.run([v, hat](core::Io& io) {
      if (v->b > v->a || v->c > v->a) throw core::usage_error("C and K are at most N");
      return print(io, [&](core::JsonWriter& json) {
        json.field("v",
                   hat ? bench::pass_hat_k(v->a, v->b, v->c) : bench::pass_at_k(v->a, v->b, v->c));
      });
    });
  }
  for (const bool exact : {false, true}) {
    auto p = stats.subcommand(exact ? "cp" : "wilson",
                              exact ? "95 % Clopper-Pearson interval" : "95 % Wilson interval");
    auto v = std::make_shared<LimitsOptions>();
    p.option("C", &v->a, "passed").required().range(0, 1e9);
    p.option("N", &v->b, "trials").required().range(1, 1e9);
    p.run([v, exact](core::Io& io) {
      if (v->a > v->b) throw core::usage_error("C is at most N");
      const bench::Interval i =
          exact ? bench::clopper_pearson(v->a, v->b) : bench::wilson(v->a, v->b);
      return print(io, [&](core::JsonWriter& json) { json.field("lo", i.lo).field("hi", i.hi); });
    });
  }
  auto m = stats.subcommand("mcnemar", "exact two-sided test on discordant pairs");
  auto v = std::make_shared<LimitsOptions>();
  m.option("B", &v->a, "only the first passed").required().range(0, 1e9);
  m.option("C", &v->b, "only the second passed").required().range(0, 1e9);
  m.run([v](core::Io& io) {
    return print(io, [&](core::JsonWriter& json) { json.field("p", bench::mcnemar(v->a, v->b)); });
  });
}

}  // namespace stateutils::tools
