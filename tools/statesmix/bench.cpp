// Size, speed and memory per preset, coding in memory.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/signals.hpp"
#include "file_job.hpp"

namespace stateutils::statesmix {
namespace {

struct BenchOptions {
  int first = 1, last = 9;
  core::Duration time{0};
  std::vector<std::string> files;
  std::string output;
};
// The bytes as they are (core::memory_input would decode zstd frames).
class PlainSource : public core::ByteSource {
 public:
  explicit PlainSource(std::string_view data) : ByteSource("(memory)"), data_(data) {}
  std::size_t read(char* out, std::size_t size) override {
    const std::size_t n = std::min(size, data_.size());
    std::copy_n(data_.begin(), n, out);
    data_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view data_;
};

struct Span {
  double cpu = 0, wall = 0;
};

Span now() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  const auto wall = std::chrono::steady_clock::now().time_since_epoch();
  return {seconds(u.ru_utime) + seconds(u.ru_stime), std::chrono::duration<double>(wall).count()};
}

// Linux keeps a high-water mark that "5" in clear_refs resets; elsewhere the process's peak serves.
void reset_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}
std::uint64_t peak_rss() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<std::uint64_t>(u.ru_maxrss) * 1024;
}

// Repeats `work` until `time` has passed (at least once); the fastest round counts.
template <class F>
Span fastest(core::Duration time, F work) {
  Span best;
  const Span start = now();
  do {
    const Span before = now();
    work();
    const Span after = now();
    const Span used{after.cpu - before.cpu, after.wall - before.wall};
    if (best.wall == 0 || used.cpu < best.cpu) best = used;
  } while (now().wall - start.wall < static_cast<double>(time.ns) * 1e-9);
  return best;
}

void bench_preset(const BenchOptions& o, const core::Io& io, const std::string& file,
                  const std::string& data, int preset, std::string& json, core::Output& out) {
  const Ticker tick = [](std::uint64_t, std::uint64_t) { core::check_stop(); };
  reset_peak();
  std::string packed;
  CodecTotals totals;
  const Span compressed = fastest(o.time, [&] {
    core::MemoryOutput sink;
    PlainSource source(data);
    CompressOptions c;
    c.preset = preset;
    c.total = data.size();
    c.threads = io.threads;
    c.isa = active_isa();
    c.tick = tick;
    totals = compress(source, sink, c);
    packed = sink.text();
  });
  bool same = true;
  const Span decompressed = fastest(o.time, [&] {
    PlainSource source(packed);
    DecompressOptions d;
    d.threads = io.threads;
    d.isa = active_isa();
    d.tick = tick;
    std::size_t at = 0;
    static_cast<void>(decompress(
        source,
        [&](std::span<const std::uint8_t> raw) {
          same =
              same && at + raw.size() <= data.size() &&
              std::equal(raw.begin(), raw.end(), data.begin() + static_cast<std::ptrdiff_t>(at),
                         [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
          at += raw.size();
        },
        d));
  });
  if (!same) throw core::environment_error(file + ": does not decode to the same bytes");
  const double bpb =
      totals.raw == 0 ? 0
                      : 8.0 * static_cast<double>(totals.packed) / static_cast<double>(totals.raw);
  const std::uint64_t peak = peak_rss();
  if (io.json) {
    const auto span = [](core::JsonWriter& w, const char* key, const Span& s) {
      w.key(key)
          .begin_object()
          .field("cpu_seconds", s.cpu)
          .field("wall_seconds", s.wall)
          .end_object();
    };
    core::JsonWriter w(json);
    w.begin_object()
        .field("file", file)
        .field("preset", preset)
        .field("bytes_in", totals.raw)
        .field("bytes_out", totals.packed)
        .field("bpb", bpb);
    span(w, "compress", compressed);
    span(w, "decompress", decompressed);
    w.field("peak_rss", peak).end_object();
    json += '\n';
    return;
  }
  const auto fixed = [](double v) { return core::format_fixed(v, 2); };
  out.write("-" + std::to_string(preset) + "  " + std::to_string(totals.raw) + " -> " +
            std::to_string(totals.packed) + "  " + core::format_fixed(bpb, 3) + " bpb  compress " +
            fixed(compressed.cpu) + " s CPU " + fixed(compressed.wall) + " s  decompress " +
            fixed(decompressed.cpu) + " s CPU " + fixed(decompressed.wall) + " s  " +
            core::format_size(peak) + "  " + file + '\n');
  out.flush();
}

int bench(const BenchOptions& o, core::Io& io) {
  if (o.first > o.last) throw core::usage_error("-b is above -e");
  JsonLines json(io, !o.output.empty() && o.output == "-");
  const auto out = io.open_output(o.output.empty() ? "-" : o.output);
  const int code = for_each_file(o.files, io, 3, [&](const std::string& file) {
    const auto source = core::open_raw_input(file);
    const std::string data = core::read_all(*source, std::uint64_t{4} << 30);
    for (int p = o.first; p <= o.last; ++p) bench_preset(o, io, file, data, p, json.text(), *out);
    return 0;
  });
  json.deliver();
  out->commit();
  return code;
}

}  // namespace

void register_bench(core::Tool& tool) {
  auto o = std::make_shared<BenchOptions>();
  auto cmd = tool.subcommand(
      "bench", "size, bits per byte, CPU and wall seconds each way, peak memory, per preset");
  cmd.option("-b,--begin", &o->first, "first preset").range(1, 9);
  cmd.option("-e,--end", &o->last, "last preset").range(1, 9);
  cmd.option("--time", &o->time, "repeat each measurement for S seconds, the fastest counts")
      .value_name("S")
      .default_text("0s");
  cmd.option("-o,--output", &o->output, "write the table to FILE")
      .value_name("FILE")
      .default_text("");
  cmd.option("FILE", &o->files, "what to code; - is stdin").required();
  cmd.run([o](core::Io& io) { return bench(*o, io); });
}

}  // namespace stateutils::statesmix
