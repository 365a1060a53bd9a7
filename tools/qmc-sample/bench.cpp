// bench: the machine's store, copy and pipe limits and this tool against them, in one run.
#include "bench_rows.hpp"
#include "commands.hpp"
#include "core/json_writer.hpp"

namespace stateutils::tools {
namespace {

struct BenchOptions {
  bool quick = false;
};

const char* name_of(Dest dest) {
  switch (dest) {
    case Dest::kMemory:
      return "memory";
    case Dest::kBuffer:
      return "buffer";
    case Dest::kPipe:
      break;
  }
  return "pipe";
}

double limit_of(const BenchRow& row, const BenchLimits& limits) {
  if (row.dest == Dest::kPipe) return limits.pipe_gbs;
  return row.threads > 1 ? limits.store_all_gbs : limits.store_gbs;
}

void print_row(core::JsonWriter& json, const BenchRow& row, const BenchLimits& limits) {
  json.begin_object().field("what", row.what).field("randomize", row.randomize);
  json.field("d", row.d).field("n", row.n).field("dest", name_of(row.dest));
  json.field("threads", row.threads).field("seconds", row.seconds);
  const double gbs = 1e-9 * static_cast<double>(row.bytes) / row.seconds;
  if (row.bytes == 0) {
    json.key("gbs").null();
  } else {
    json.field("gbs", gbs);
  }
  if (row.coords == 0) {
    json.key("mcoord_s").null();
  } else {
    json.field("mcoord_s", 1e-6 * static_cast<double>(row.coords) / row.seconds);
  }
  if (row.bytes == 0) {
    json.key("ratio").null();
  } else {
    json.field("ratio", gbs / limit_of(row, limits));
  }
  json.end_object();
}

int bench(const BenchOptions& o, core::Io& io) {
  std::vector<BenchRow> rows = point_rows(io.threads, o.quick);
  BenchLimits limits;
  measure(rows, limits, io.threads, o.quick);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().key("limits").begin_object();
  json.field("store_gbs", limits.store_gbs).field("store_all_gbs", limits.store_all_gbs);
  json.field("copy_gbs", limits.copy_gbs).field("pipe_gbs", limits.pipe_gbs).end_object();
  json.key("rows").begin_array();
  for (const BenchRow& row : rows) {
    text += '\n';
    print_row(json, row, limits);
  }
  json.end_array().end_object();
  io.out->write(text + '\n');
  return 0;
}

}  // namespace

void register_bench(core::Tool& tool) {
  auto o = std::make_shared<BenchOptions>();
  auto cmd =
      tool.subcommand("bench", "measure this machine's limits and this program against them");
  cmd.option("--quick", &o->quick, "under a minute: fewer rounds, every row");
  cmd.run([o](core::Io& io) { return bench(*o, io); });
}

}  // namespace stateutils::tools
