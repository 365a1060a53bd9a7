// Size, speed and memory per preset, coding in memory.
#include <algorithm>
#include <cstring>
#include <fstream>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/signals.hpp"
#include "core/usage.hpp"
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

// Linux keeps a high-water mark that "5" in clear_refs resets; elsewhere the process's peak serves.
void reset_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}
std::uint64_t peak_since_reset() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return core::process_usage().peak_rss;
}

struct Span {
  double cpu = 0, wall = 0;  // seconds
};

// Repeats `work` until `time` has passed (at least once); the round of least CPU time counts.
template <class F>
Span fastest(core::Duration time, F work) {
  Span best;
  const core::Usage start = core::process_usage();
  core::Usage after = start;
  do {
    const core::Usage before = after;
    work();
    after = core::process_usage();
    const Span used{after.cpu_s - before.cpu_s, after.wall_s - before.wall_s};
    if (best.wall == 0 || used.cpu < best.cpu) best = used;
  } while (after.wall_s - start.wall_s < static_cast<double>(time.ns) * 1e-9);
  return best;
}

// What one FILE at one preset took.
struct Measured {
  std::uint64_t raw = 0, packed = 0, peak_rss = 0;
  Span compress, decompress;

  [[nodiscard]] double bpb() const {
    return raw == 0 ? 0 : 8.0 * static_cast<double>(packed) / static_cast<double>(raw);
  }
};

std::string pack(const std::string& data, int preset, const core::Io& io) {
  core::MemoryOutput sink;
  PlainSource source(data);
  CompressOptions c;
  c.preset = preset;
  c.total = data.size();
  c.threads = io.threads;
  c.isa = active_isa();
  c.tick = [](std::uint64_t, std::uint64_t) { core::check_stop(); };
  static_cast<void>(compress(source, sink, c));
  return sink.text();
}

bool unpacks_to(const std::string& packed, const std::string& data, const core::Io& io) {
  PlainSource source(packed);
  DecompressOptions d;
  d.threads = io.threads;
  d.isa = active_isa();
  d.tick = [](std::uint64_t, std::uint64_t) { core::check_stop(); };
  std::size_t at = 0;
  bool same = true;
  const Sink sink = [&](std::span<const std::uint8_t> raw) {
    same = same && raw.size() <= data.size() - at &&
           std::memcmp(raw.data(), data.data() + at, raw.size()) == 0;
    at += raw.size();
  };
  static_cast<void>(decompress(source, sink, d));
  return same && at == data.size();
}

Measured measure(const BenchOptions& o, const core::Io& io, const std::string& file,
                 const std::string& data, int preset) {
  reset_peak();
  Measured m;
  std::string packed;
  m.compress = fastest(o.time, [&] { packed = pack(data, preset, io); });
  bool same = true;
  m.decompress = fastest(o.time, [&] { same = same && unpacks_to(packed, data, io); });
  if (!same) throw core::environment_error(file + ": does not decode to the same bytes");
  m.raw = data.size();
  m.packed = packed.size();
  m.peak_rss = peak_since_reset();
  return m;
}

void json_row(std::string& text, const std::string& file, int preset, const Measured& m) {
  core::JsonWriter json(text);
  const auto span = [&](const char* key, const Span& s) {
    json.key(key).begin_object();
    json.field("cpu_seconds", s.cpu).field("wall_seconds", s.wall).end_object();
  };
  json.begin_object().field("file", file).field("preset", preset);
  json.field("bytes_in", m.raw).field("bytes_out", m.packed).field("bpb", m.bpb());
  span("compress", m.compress);
  span("decompress", m.decompress);
  json.field("peak_rss", m.peak_rss).end_object();
  text += '\n';
}

std::string text_row(const std::string& file, int preset, const Measured& m) {
  const auto span = [](const char* what, const Span& s) {
    return std::string("  ") + what + ' ' + core::format_fixed(s.cpu, 2) + " s CPU " +
           core::format_fixed(s.wall, 2) + " s";
  };
  return "-" + std::to_string(preset) + "  " + std::to_string(m.raw) + " -> " +
         std::to_string(m.packed) + "  " + core::format_fixed(m.bpb(), 3) + " bpb" +
         span("compress", m.compress) + span("decompress", m.decompress) + "  " +
         core::format_size(m.peak_rss) + "  " + file + '\n';
}

int bench(const BenchOptions& o, core::Io& io) {
  if (o.first > o.last) throw core::usage_error("-b is above -e");
  JsonLines json(io, o.output == "-");
  const bool table = io.json != "-" || !o.output.empty();
  const auto out = io.open_output(o.output.empty() ? "-" : o.output);
  const int code = for_each_file(o.files, io, 3, [&](const std::string& file) {
    const auto source = core::open_raw_input(file);
    const std::string data = core::read_all(*source, std::uint64_t{4} << 30);
    for (int p = o.first; p <= o.last; ++p) {
      const Measured m = measure(o, io, file, data, p);
      if (json.wanted()) json_row(json.text(), file, p, m);
      if (table) out->write(text_row(file, p, m));
      out->flush();
    }
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
