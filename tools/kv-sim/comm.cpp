// comm: alpha-beta time of an all-reduce.
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "kv/formulas.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct CommOptions {
  std::string algorithm = "ring", bandwidth, output = "-";
  std::uint64_t peers = 0;
  core::ByteSize size;
  core::Duration alpha;
  double churn = 0;
};

int comm(const CommOptions& o, const core::Io& io) {
  std::string rate = o.bandwidth;
  if (rate.ends_with("/s")) rate.resize(rate.size() - 2);
  const auto bandwidth = core::parse_size(rate);
  if (!bandwidth || bandwidth->bytes == 0) {
    throw core::usage_error("--bw " + core::quoted(o.bandwidth) + " is no rate (400GB/s)");
  }
  const double seconds = kv::all_reduce_with_churn(
      o.algorithm, o.peers, static_cast<double>(o.size.bytes),
      static_cast<double>(o.alpha.ns) / 1e9, static_cast<double>(bandwidth->bytes), o.churn);
  std::string text;
  core::JsonWriter(text).begin_object().field("seconds", seconds).end_object();
  const auto out = io.open_output(o.output);
  out->write(text + '\n');
  out->commit();
  if (wants_summary(io, o.output)) io.summary({{"seconds", seconds}});
  return 0;
}

}  // namespace

void register_comm(core::Tool& tool) {
  auto o = std::make_shared<CommOptions>();
  auto command = tool.subcommand("comm", "alpha-beta time of an all-reduce");
  command.option("--algo", &o->algorithm, "algorithm")
      .one_of({"ring", "oneshot", "twoshot", "tree"});
  command.option("-n", &o->peers, "peers").required().range(1, 1e6).value_name("N");
  command.option("--size", &o->size, "bytes reduced").required().value_name("SIZE");
  command.option("--alpha", &o->alpha, "latency of a step").required().value_name("TIME");
  command.option("--bw", &o->bandwidth, "bytes per second and peer").required().value_name("RATE");
  command.option("--churn", &o->churn, "peers lost per second; the survivors start again")
      .range(0, 1e9)
      .value_name("RATE");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return comm(*o, io); });
}

}  // namespace stateutils::tools
