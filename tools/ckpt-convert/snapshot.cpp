#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "ckpt/formats/open.hpp"
#include "ckpt/snapshot/device.hpp"
#include "ckpt/snapshot/engine.hpp"
#include "ckpt/snapshot/synthetic.hpp"
#include "commands.hpp"
#include "core/error.hpp"
#include "core/gpu.hpp"
#include "core/jsonl.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt_convert {
namespace {

using namespace ckpt::snapshot;

struct SnapshotOptions {
  SourceOptions source;
  StreamOptions stream;
  std::string from, folder, mirror, mode = "lazy", io = "auto", device = "cpu";
  std::uint64_t every = 1, steps = 10;
  double step_ms = 50;
  std::optional<core::ByteSize> pool;
};

constexpr std::string_view kSynthetic = "synthetic:";
constexpr std::uint64_t kLargestPool = 1u << 30;

EngineSettings settings(const SnapshotOptions& o, const core::Io& io, std::uint64_t bytes) {
  EngineSettings made{.folder = o.folder};
  made.mirror = o.mirror;
  made.mode = o.mode == "blocking" ? Mode::kBlocking : o.mode == "copy" ? Mode::kCopy : Mode::kLazy;
  made.pool = o.pool ? o.pool->bytes : std::min(kLargestPool, 2 * bytes);
  made.threads = io.threads;
  made.io = o.io == "direct"     ? ckpt::IoMode::kDirect
            : o.io == "buffered" ? ckpt::IoMode::kBuffered
                                 : ckpt::IoMode::kAuto;
  made.sync = io.sync;
  if (o.device == "cuda") made.pin = pin_for_device;
  return made;
}

// Prints records as snapshots are committed, and adds them up.
class Report {
 public:
  Report(core::JsonlWriter& writer, core::Output& out, std::string mode)
      : writer_(writer), out_(out), mode_(std::move(mode)) {}

  void fence(std::uint64_t step) {
    writer_.begin().field("fence", true).field("step", step);
    writer_.end();
    out_.flush();
  }
  void add(const std::vector<SnapshotRecord>& records) {
    for (const SnapshotRecord& record : records) {
      core::JsonWriter& json = writer_.begin();
      json.field("step", record.step).field("mode", mode_).field("blocked_ms", record.blocked_ms);
      json.field("end_to_end_ms", record.end_to_end_ms).field("bytes", record.bytes);
      writer_.end();
      ++count_;
      blocked_ += record.blocked_ms;
      bytes_ += record.bytes;
    }
    if (!records.empty()) out_.flush();
  }
  [[nodiscard]] nlohmann::ordered_json summary(std::uint64_t steps, double memcpy_ms) const {
    return {{"snapshots", count_},
            {"steps", steps},
            {"mode", mode_},
            {"bytes", bytes_},
            {"blocked_ms", blocked_},
            {"blocked_ms_mean", count_ > 0 ? blocked_ / static_cast<double>(count_) : 0},
            {"memcpy_ms", memcpy_ms}};
  }

 private:
  core::JsonlWriter& writer_;
  core::Output& out_;
  std::string mode_;
  std::uint64_t count_ = 0, bytes_ = 0;
  double blocked_ = 0;
};

void work_for(double milliseconds) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double, std::milli>(milliseconds);
  while (std::chrono::steady_clock::now() < end) {
    core::check_stop();
    const auto left = end - std::chrono::steady_clock::now();
    std::this_thread::sleep_for(
        std::min<std::chrono::duration<double>>(left, std::chrono::milliseconds(20)));
  }
}

template <class Source>
nlohmann::ordered_json train(const SnapshotOptions& o, const core::Io& io, Report& report,
                             std::uint64_t bytes) {
  Source source(bytes);
  SnapshotEngine engine(settings(o, io, bytes));
  const double memcpy_ms =
      o.device == "cuda" ? engine.plain_copy_ms(*source.provider()) : engine.plain_copy_ms(bytes);
  for (std::uint64_t step = 1; step <= o.steps; ++step) {
    work_for(o.step_ms);
    engine.fence();
    source.overwrite(step);
    if (step % o.every == 0) engine.request(step, source.provider());
    report.add(engine.take_committed());
  }
  engine.finish();
  report.add(engine.take_committed());
  return report.summary(o.steps, memcpy_ms);
}

nlohmann::ordered_json copy_once(const SnapshotOptions& o, const core::Io& io, Report& report) {
  ckpt::Catalogue catalogue = ckpt::open_checkpoint(o.from, o.source.read(io));
  ckpt::require_sound(catalogue);
  ckpt::apply_selection(catalogue, o.source.selection(), false);
  std::vector<ProviderPtr> tensors;
  std::uint64_t bytes = 0;
  for (const ckpt::TargetTensor& tensor :
       ckpt::make_target(catalogue, ckpt::Tied::kDuplicate).tensors) {
    tensors.push_back(file_provider(tensor.name, tensor.dtype, tensor.shape, tensor.bytes));
    bytes += tensor.bytes->size();
  }
  SnapshotEngine engine(settings(o, io, bytes));
  const double memcpy_ms = engine.plain_copy_ms(bytes);
  engine.request(o.steps, composite_provider(std::move(tensors)));
  engine.fence();
  report.fence(o.steps);
  engine.finish();
  report.add(engine.take_committed());
  return report.summary(o.steps, memcpy_ms);
}

int snapshot(const SnapshotOptions& o, core::Io& io) {
  io.require_json_target(o.stream.output == "-");
  const auto lock = o.source.take_lock();
  const bool synthetic = o.from.starts_with(kSynthetic);
  const bool on_device = o.device == "cuda";
  if (on_device && !synthetic) throw core::usage_error("--device cuda needs synthetic:BYTES");
  std::optional<std::uint64_t> bytes;
  if (synthetic) {
    const auto size = core::parse_size(o.from.substr(kSynthetic.size()));
    if (!size) throw core::usage_error("--source " + core::quoted(o.from) + ": no size");
    bytes = size->bytes;
  }
  if (on_device) core::require_gpu();
  const auto out = io.open_output(o.stream.output);
  core::JsonlWriter writer(*out, {.framed = !o.stream.no_frame});
  writer.header("snapshots", 1, [&](core::JsonWriter& json) {
    json.field("tool", io.tool).field("tool_version", io.version).field("source", o.from);
  });
  Report report(writer, *out, o.mode);
  const auto summary = on_device   ? train<DeviceSource>(o, io, report, *bytes)
                       : synthetic ? train<SyntheticSource>(o, io, report, *bytes)
                                   : copy_once(o, io, report);
  close_stream(writer, *out, summary, io);
  return 0;
}

}  // namespace

void register_snapshot(core::Tool& tool) {
  auto o = std::make_shared<SnapshotOptions>();
  auto cmd = tool.subcommand("snapshot", "write snapshots of live state while it goes on");
  cmd.option("--source", &o->from, "file or folder, or synthetic:BYTES, a stand-in for training")
      .required()
      .value_name("SPEC");
  cmd.option("--out", &o->folder, "folder of the snapshots").required().value_name("DIR");
  cmd.option("--every", &o->every, "steps from one snapshot to the next").at_least(1);
  cmd.option("--steps", &o->steps, "steps of the stand-in; the step that a file's snapshot is of")
      .at_least(1);
  cmd.option("--step-ms", &o->step_ms, "milliseconds that a step of the stand-in takes")
      .at_least(0);
  cmd.option("--mode", &o->mode, "what a step waits for: the write, the copy, or the fence alone")
      .one_of({"blocking", "copy", "lazy"});
  cmd.option("--pool", &o->pool, "host memory for copies (default twice the source, at most 1Gi)");
  cmd.option("--mirror", &o->mirror, "second folder, where snapshots are erasure-coded 4 + 1")
      .value_name("DIR");
  cmd.option("--device", &o->device, "whose memory holds the stand-in's state")
      .one_of({"cpu", "cuda"});
  cmd.option("--io", &o->io, "how snapshots are written").one_of({"auto", "direct", "buffered"});
  add_stream_options(cmd, o->stream);
  add_source_options(cmd, o->source);
  cmd.run([o](core::Io& io) { return snapshot(*o, io); });
}

}  // namespace stateutils::ckpt_convert
