#include "file_job.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/json_writer.hpp"
#include "core/signals.hpp"
#include "core/units.hpp"
#include "core/usage.hpp"

namespace stateutils::statesmix {
namespace {

double bits_per_byte(std::uint64_t packed, std::uint64_t raw) {
  return raw == 0 ? 0.0 : 8.0 * static_cast<double>(packed) / static_cast<double>(raw);
}

void json_line(std::string& out, const std::string& file, std::uint64_t in, std::uint64_t produced,
               const CodecTotals& totals, const core::Usage& start) {
  const core::Usage end = core::process_usage();
  core::JsonWriter(out)
      .begin_object()
      .field("file", file)
      .field("bytes_in", in)
      .field("bytes_out", produced)
      .field("bpb", bits_per_byte(totals.packed, totals.raw))
      .field("preset", totals.preset)
      .field("blocks", totals.blocks)
      .field("cpu_seconds", end.cpu_s - start.cpu_s)
      .field("wall_seconds", end.wall_s - start.wall_s)
      .field("peak_rss", end.peak_rss)
      .end_object();
  out += '\n';
}

// The size of a regular file, or nothing.
std::optional<std::uint64_t> regular_size(const std::string& path) {
  struct stat s {};
  const int failed = path == "-" ? fstat(STDIN_FILENO, &s) : stat(path.c_str(), &s);
  if (failed != 0 || !S_ISREG(s.st_mode)) return {};
  std::uint64_t size = static_cast<std::uint64_t>(s.st_size);
  if (path == "-") {  // what a shell's redirection has left to read
    const off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
    if (at < 0) return {};
    size -= std::min(size, static_cast<std::uint64_t>(at));
  }
  return size;
}

bool may_replace(const std::string& path, bool force) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  return force || !std::filesystem::exists(status) || !std::filesystem::is_regular_file(status);
}

// Mode, owner where allowed, and modification time of the source.
void copy_attributes(const std::string& from, core::OutputFile& to) {
  struct stat s {};
  if (stat(from.c_str(), &s) != 0 || !S_ISREG(s.st_mode)) return;
  to.flush();
  // A refused owner must not leave set-id bits with a foreign one.
  const bool owned = fchown(to.fd(), s.st_uid, s.st_gid) == 0;
  [[maybe_unused]] const int mode_set = fchmod(to.fd(), s.st_mode & (owned ? 07777u : 0777u));
  const timespec times[2] = {s.st_atim, s.st_mtim};
  [[maybe_unused]] const int times_set = futimens(to.fd(), times);
}

bool is_hex_digest(const std::string& text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

bool to_stdout(const FileOptions& o, const std::string& file) {
  return o.output == "-" || (o.output.empty() && (o.to_stdout || file == "-"));
}

bool any_to_stdout(const FileOptions& o) {
  return std::ranges::any_of(files_or_stdin(o),
                             [&](const std::string& f) { return to_stdout(o, f); });
}

void check_common(const FileOptions& o) {
  if (o.files.size() > 1 && !o.output.empty()) throw core::usage_error("-o takes one FILE only");
  if (!o.output.empty() && o.to_stdout) throw core::usage_error("-o and -c exclude each other");
  if (o.remove && o.keep) throw core::usage_error("--rm and --keep exclude each other");
  if (o.expect && !is_hex_digest(*o.expect)) {
    throw core::usage_error("--expect: " + core::quoted(*o.expect) +
                            " is not 64 hexadecimal digits");
  }
  if (o.expect && o.files.size() > 1) throw core::usage_error("--expect takes one FILE only");
  if (o.block_size && (o.block_size->bytes == 0 || o.block_size->bytes > kMaxBlockSize)) {
    throw core::usage_error("--block-size: not 1 byte to 1 GiB");
  }
}

DecompressOptions decode_options(const FileOptions& o, const core::Io& io, Ticker tick) {
  DecompressOptions d;
  d.memory_limit = o.memory_limit ? std::max<std::uint64_t>(1, o.memory_limit->bytes) : 0;
  if (o.max_output) d.max_output = o.max_output->bytes;
  d.keep_going = o.keep_going;
  d.threads = io.threads;
  d.isa = active_isa();
  d.tick = std::move(tick);
  return d;
}

std::string compressed_name(const std::string& file) {
  return file + ".ssmx";
}

std::string plain_name(const std::string& file) {
  if (file.ends_with(".tssmx") && file.size() > 6) return file.substr(0, file.size() - 6) + ".tar";
  if (file.ends_with(".ssmx") && file.size() > 5) return file.substr(0, file.size() - 5);
  throw core::usage_error(file + ": no .ssmx or .tssmx suffix; name the output with -o or -c");
}

std::unique_ptr<core::Output> open_result(const FileOptions& o, const core::Io& io,
                                          const std::string& file, const std::string& name) {
  if (to_stdout(o, file)) return io.open_output("-");
  if (file != "-" && core::same_file(file, name)) {
    throw core::environment_error(name + ": input and output are the same file");
  }
  return io.open_output(name, may_replace(name, o.force));
}

void finish_result(core::Output& out, const std::string& file) {
  if (auto* result = dynamic_cast<core::OutputFile*>(&out); result != nullptr && file != "-") {
    copy_attributes(file, *result);
  }
  out.commit();
}

// The source may go only when its copy has been read back, decoded and compared.
void remove_verified(const FileOptions& o, const core::Io& io, const std::string& plain,
                     const std::string& packed, const std::string& doomed) {
  const auto original = core::open_raw_input(plain);
  const auto copy = core::open_raw_input(packed);
  std::vector<char> expected;
  bool same = true;
  const auto totals = decompress(
      *copy,
      [&](std::span<const std::uint8_t> raw) {
        expected.resize(raw.size());
        same = same && core::read_exact(*original, expected.data(), raw.size()) &&
               std::equal(raw.begin(), raw.end(), expected.begin(),
                          [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
      },
      decode_options(o, io, [](std::uint64_t, std::uint64_t) { core::check_stop(); }));
  char extra = 0;
  same = same && original->read(&extra, 1) == 0 && totals.trailing.empty();
  if (!same)
    throw core::environment_error(doomed +
                                  ": kept, the written file does not decode to the same bytes");
  if (unlink(doomed.c_str()) != 0) throw core::system_error(doomed, "remove", errno);
}

void describe(const FileOptions& o, const core::Io& io, const std::string& file,
              const CodecTotals& t) {
  if (!o.verbose) return;
  io.log.info(file + ": " + core::format_grouped(t.raw) + " bytes plain, " +
              core::format_grouped(t.packed) + " packed, " +
              core::format_fixed(bits_per_byte(t.packed, t.raw), 3) + " bits per byte");
}

int compress_one(const FileOptions& o, const core::Io& io, const std::string& file,
                 std::string* json) {
  const core::Usage start = core::process_usage();
  const std::string name = o.output.empty() ? compressed_name(file) : o.output;
  const auto source = core::open_raw_input(file);
  const auto out = open_result(o, io, file, name);
  CompressOptions c;
  c.preset = o.preset;
  c.block_size = o.block_size ? o.block_size->bytes : 0;
  c.total = regular_size(file);
  c.threads = io.threads;
  c.isa = active_isa();
  core::Progress progress = io.progress(file, c.total.value_or(0), core::Progress::Unit::kBytes);
  std::uint64_t raw = 0, coded = 0;
  c.tick = [&](std::uint64_t r, std::uint64_t k) {
    core::check_stop();
    raw += r;
    coded += k;
    progress.note(core::format_fixed(bits_per_byte(coded, raw), 3) + " bpb");
    progress.set(raw);
  };
  const CodecTotals totals = compress(*source, *out, c);
  finish_result(*out, file);
  if (o.remove && file != "-" && !to_stdout(o, file)) remove_verified(o, io, file, name, file);
  describe(o, io, file, totals);
  if (json != nullptr) json_line(*json, file, totals.raw, totals.packed, totals, start);
  return 0;
}

// What FILE holds, for the progress line alone: 0 when that is not known without reading it.
std::uint64_t plain_size(const core::Io& io, const std::string& file) {
  if (!io.err_is_terminal || io.quiet || file == "-" || !regular_size(file)) return 0;
  try {
    const auto source = core::open_raw_input(file);
    return list_frames(*source).raw;
  } catch (const core::Error&) {
    return 0;  // damage is the decoder's to report
  }
}

// Decodes FILE into `out` (or nowhere) and reports what --keep-going passed over.
int decode_into(const FileOptions& o, const core::Io& io, const std::string& file,
                core::Output* out, CodecTotals& totals) {
  const auto source = core::open_raw_input(file);
  core::Progress progress = io.progress(file, plain_size(io, file), core::Progress::Unit::kBytes);
  const Ticker tick = [&](std::uint64_t raw, std::uint64_t) {
    core::check_stop();
    progress.add(raw);
  };
  core::Sha256 sha;
  const Sink sink = [&](std::span<const std::uint8_t> raw) {
    core::check_stop();
    if (out != nullptr) out->write(raw.data(), raw.size());
    if (o.expect) sha.update(raw.data(), raw.size());
  };
  totals = decompress(*source, sink, decode_options(o, io, tick));
  if (o.expect) {
    const core::Sha256Digest digest = sha.digest();
    std::string want = *o.expect;
    std::ranges::transform(want, want.begin(), [](char c) {
      return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
    });
    const std::string have = core::hex(digest.data(), digest.size());
    if (have != want)
      throw core::verdict_error(file + ": SHA-256 is " + have + ", expected " + want);
  }
  for (const std::string& problem : totals.problems) io.log.error(problem);
  if (!totals.trailing.empty()) io.log.error(totals.trailing);
  return totals.problems.empty() && totals.trailing.empty() ? 0 : 3;
}

int decompress_one(const FileOptions& o, const core::Io& io, const std::string& file,
                   std::string* json) {
  const core::Usage start = core::process_usage();
  const bool piped = to_stdout(o, file);
  const std::string name = !o.output.empty() ? o.output : (piped ? "-" : plain_name(file));
  const auto out = open_result(o, io, file, name);
  CodecTotals totals;
  const int code = decode_into(o, io, file, out.get(), totals);
  finish_result(*out, file);
  if (o.remove && code == 0 && file != "-" && !piped) remove_verified(o, io, name, file, file);
  describe(o, io, file, totals);
  if (json != nullptr) json_line(*json, file, totals.packed, totals.raw, totals, start);
  return code;
}

}  // namespace

void JsonLines::deliver() {
  io_.summarised = true;  // these lines are the summary
  if (!wanted()) return;
  if (*io_.json != "-") {
    const auto out = io_.open_output(*io_.json);
    out->write(text_);
    out->commit();
  } else if (data_on_stdout_) {
    core::write_fully(STDERR_FILENO, text_.data(), text_.size(), "stderr");
  } else {
    io_.out->write(text_);
  }
}

void add_preset_flags(core::Command& command, FileOptions& options) {
  for (int i = 1; i <= 9; ++i) {
    command.flag(
        "-" + std::to_string(i), [&options, i] { options.preset = i; },
        i == 1 ? "preset 1: fastest"
               : (i == 6 ? "preset 6 (default)"
                         : (i == 9 ? "preset 9: smallest" : "preset " + std::to_string(i))));
  }
}

void add_compress_options(core::Command& command, FileOptions& o) {
  command
      .option("-B,--block-size", &o.block_size,
              "bytes per independent block (default 64Mi; 256Mi from -7 on)")
      .value_name("SIZE");
}

void add_decode_options(core::Command& command, FileOptions& o) {
  command
      .option("-M,--memlimit", &o.memory_limit,
              "refuse frames that need more model memory (default half of RAM, at most 16Gi)")
      .value_name("LIMIT");
  command.option("--expect", &o.expect, "SHA-256 the output must have; exit 1 when it differs")
      .value_name("SHA256");
}

void add_output_options(core::Command& command, FileOptions& o) {
  command.option("-o,--output", &o.output, "write to FILE (- is stdout)")
      .value_name("FILE")
      .default_text("");
  command.option("-c,--stdout", &o.to_stdout, "write to stdout");
  command.option("-k,--keep", &o.keep, "keep the source (the default)");
  command.option("--rm", &o.remove,
                 "remove the source once the output was written, synced, decoded and compared");
  command.option("-f,--force", &o.force, "replace an existing output");
}

std::vector<std::string> files_or_stdin(const FileOptions& o) {
  return o.files.empty() ? std::vector<std::string>{"-"} : o.files;
}

int for_each_file(const std::vector<std::string>& files, const core::Io& io, int damage_code,
                  const std::function<int(const std::string&)>& work) {
  int worst = 0;
  for (const std::string& file : files) {
    try {
      worst = std::max(worst, work(file));
    } catch (const core::Error& e) {
      io.log.error(e.what());
      worst =
          std::max(worst, e.category() == core::Category::kInput ? damage_code
                                                                 : static_cast<int>(e.category()));
    }
  }
  return worst;
}

int compress_files(const FileOptions& o, core::Io& io) {
  check_common(o);
  if (any_to_stdout(o) && io.out_is_terminal)
    throw core::usage_error("compressed data is not written to a terminal");
  JsonLines json(io, any_to_stdout(o));
  const int code = for_each_file(files_or_stdin(o), io, 3, [&](const std::string& file) {
    return compress_one(o, io, file, json.wanted() ? &json.text() : nullptr);
  });
  json.deliver();
  return code;
}

int decompress_files(const FileOptions& o, core::Io& io) {
  check_common(o);
  JsonLines json(io, any_to_stdout(o));
  const int code = for_each_file(files_or_stdin(o), io, 3, [&](const std::string& file) {
    return decompress_one(o, io, file, json.wanted() ? &json.text() : nullptr);
  });
  json.deliver();
  return code;
}

int test_files(const FileOptions& o, core::Io& io) {
  check_common(o);
  JsonLines json(io, false);
  const int code = for_each_file(files_or_stdin(o), io, 1, [&](const std::string& file) {
    const core::Usage start = core::process_usage();
    CodecTotals totals;
    const int bad = decode_into(o, io, file, nullptr, totals);
    describe(o, io, file, totals);
    if (json.wanted()) json_line(json.text(), file, totals.packed, totals.raw, totals, start);
    return bad == 0 ? 0 : 1;
  });
  json.deliver();
  return code;
}

}  // namespace stateutils::statesmix
