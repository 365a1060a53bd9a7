#include <nlohmann/json.hpp>

#include "ckpt/bench/measure.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"

namespace stateutils::ckpt_convert {
namespace {

struct BenchCommand {
  StreamOptions stream;
  std::string folder, lock;
  core::ByteSize size{256u << 20};
  int rounds = 3;
};

int bench(const BenchCommand& o, core::Io& io) {
  io.require_json_target(o.stream.output == "-");
  constexpr std::uint64_t kSmallest = 16u << 20;
  if (o.size.bytes < kSmallest) throw core::usage_error("--size: at least 16Mi");
  const auto lock = o.lock.empty() ? nullptr : std::make_unique<core::FileLock>(o.lock);
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {.framed = !o.stream.no_frame});
  writer.header("measurements", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version).field("bytes", o.size.bytes);
    json.field("threads", io.threads).field("rounds", o.rounds);
  });
  std::uint64_t count = 0, met = 0;
  ckpt::bench::run_bench({.folder = o.folder.empty() ? "." : o.folder,
                          .bytes = o.size.bytes / 8 * 8,
                          .rounds = o.rounds,
                          .threads = io.threads,
                          .sync = io.sync},
                         [&](const ckpt::bench::Measured& measured) {
                           core::JsonWriter& json = writer.begin();
                           json.field("what", measured.what).field("limit", measured.limit);
                           json.field("ours_s", measured.ours_s).field("limit_s", measured.limit_s);
                           json.field("ratio", measured.ratio).field("target", measured.target);
                           json.field("higher_is_better", measured.higher_is_better);
                           json.field("met", measured.met());
                           writer.end();
                           out->flush();
                           ++count;
                           met += measured.met() ? 1 : 0;
                         });
  const nlohmann::ordered_json summary{{"measured", count}, {"met", met}};
  close_stream(writer, *out, summary, io);
  return 0;
}

}  // namespace

void register_bench(core::Tool& tool) {
  auto o = std::make_shared<BenchCommand>();
  auto cmd =
      tool.subcommand("bench", "measure this machine's limits and how close we come to them");
  cmd.option("--dir", &o->folder,
             "folder for scratch files, on the disk that is meant (default: here)")
      .value_name("DIR");
  cmd.option("--size", &o->size, "bytes of the inputs, at least 16Mi");
  cmd.option("--rounds", &o->rounds, "rounds that count; one more comes first").range(1, 1000);
  cmd.option("--lock", &o->lock, "hold this lock file while running; busy is exit 4")
      .value_name("FILE");
  add_stream_options(cmd, o->stream);
  cmd.run([o](core::Io& io) { return bench(*o, io); });
}

}  // namespace stateutils::ckpt_convert
