// What compressed files hold, from headers, indexes and trailers alone.
#include "commands.hpp"
#include "core/json_writer.hpp"
#include "core/units.hpp"
#include "file_job.hpp"

namespace stateutils::statesmix {
namespace {

constexpr std::string_view kHeading =
    "frames  blocks        packed         plain    ratio  preset      memory  checksum          "
    "file\n";

std::string checksums(const CodecTotals& totals) {
  std::string text;
  for (const std::uint64_t h : totals.hashes) {
    std::string digits(16, '0');
    for (std::size_t i = 0; i < 16; ++i) digits[15 - i] = "0123456789abcdef"[(h >> (4 * i)) & 15];
    text += (text.empty() ? "" : ",") + digits;
  }
  return text;
}

double ratio_of(const CodecTotals& t) {
  return t.packed == 0 ? 0.0 : static_cast<double>(t.raw) / static_cast<double>(t.packed);
}

void list_row(core::Output& out, const std::string& file, const CodecTotals& t) {
  const auto cell = [](std::string text, std::size_t width) {
    if (text.size() < width) text.insert(0, width - text.size(), ' ');
    return text + "  ";
  };
  out.write(cell(std::to_string(t.frames), 6) + cell(std::to_string(t.blocks), 6) +
            cell(std::to_string(t.packed), 12) + cell(std::to_string(t.raw), 12) +
            cell(core::format_fixed(ratio_of(t), 3), 7) + cell(std::to_string(t.preset), 6) +
            cell(core::format_size(t.memory), 10) + cell(checksums(t), 16) + file + '\n');
}

void list_json(std::string& text, const std::string& file, const CodecTotals& t) {
  core::JsonWriter json(text);
  json.begin_object().field("file", file).field("frames", t.frames).field("blocks", t.blocks);
  json.field("bytes_in", t.raw).field("bytes_out", t.packed).field("ratio", ratio_of(t));
  json.field("preset", t.preset).field("memory_bytes", t.memory);
  json.field("checksum", checksums(t)).end_object();
  text += '\n';
}

}  // namespace

int list_files(const FileOptions& o, core::Io& io) {
  JsonLines json(io, false);
  bool headed = json.wanted();
  const int code = for_each_file(files_or_stdin(o), io, 3, [&](const std::string& file) {
    const auto source = core::open_raw_input(file);
    const CodecTotals t = list_frames(*source);
    if (json.wanted()) {
      list_json(json.text(), file, t);
    } else {
      if (!headed) io.out->write(kHeading);
      headed = true;
      list_row(*io.out, file, t);
    }
    if (t.trailing.empty()) return 0;
    io.log.error(t.trailing);
    return 3;
  });
  json.deliver();
  return code;
}

void register_list(core::Tool& tool) {
  auto o = std::make_shared<FileOptions>();
  auto cmd = tool.subcommand("list", "frames, blocks, sizes, preset, memory and checksum of FILEs");
  cmd.option("FILE", &o->files, "compressed files; none or - is stdin");
  cmd.run([o](core::Io& io) { return list_files(*o, io); });
}

}  // namespace stateutils::statesmix
