// merge: slices of one run, in any order, into the bytes of that run.
#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/npy.hpp"
#include "core/slice.hpp"
#include "core/units.hpp"

namespace stateutils::tools {
namespace {

struct MergeOptions {
  std::vector<std::string> parts;
  std::string output;
};

struct Part {
  explicit Part(const std::string& path) : file(path) {}

  core::FileReader file;
  core::NpyHeader header;
  std::uint64_t data_offset = 0, start = 0, total = 0;
  core::Slice slice;
  std::string options, layout;
  std::size_t axis = 0;  // of the points

  // Items before, along and behind the point axis.
  [[nodiscard]] std::uint64_t outer() const { return product(0, axis); }
  [[nodiscard]] std::uint64_t rows() const { return header.shape[axis]; }
  [[nodiscard]] std::uint64_t inner() const { return product(axis + 1, header.shape.size()); }

 private:
  [[nodiscard]] std::uint64_t product(std::size_t from, std::size_t to) const {
    std::uint64_t items = 1;
    for (std::size_t i = from; i < to; ++i) items *= header.shape[i];
    return items;
  }
};

[[noreturn]] void fail(const Part& part, const std::string& message) {
  throw core::input_error({part.file.path()}, message);
}

// The value of "key=" in the comment, up to a blank.
std::string field(const Part& part, const std::string& comment, const std::string& key) {
  const std::size_t at = comment.find(' ' + key + '=');
  if (at == std::string::npos) {
    if (key == "layout") return "row";
    fail(part, "the slice comment has no " + key);
  }
  const std::size_t from = at + key.size() + 2;
  return comment.substr(from, comment.find_first_of(" \n", from) - from);
}

std::uint64_t number(const Part& part, const std::string& text) {
  const auto value = core::parse_u64(text);
  if (!value) fail(part, core::quoted(text) + " in the slice comment is no number");
  return *value;
}

std::string read_header_bytes(const core::FileReader& file) {
  std::string start(std::min<std::uint64_t>(file.size(), 12), '\0');
  file.read_at(0, start.data(), start.size());
  if (start.size() < 12 || !start.starts_with("\x93NUMPY")) {
    throw core::input_error({file.path()}, "not a .npy file");
  }
  const auto byte = [&](std::size_t i) {
    return std::uint64_t{static_cast<unsigned char>(start[i])};
  };
  const std::uint64_t length =
      start[6] == 1 ? 10 + (byte(8) | byte(9) << 8)
                    : 12 + (byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24);
  if (length > file.size() || length > 65536) {
    throw core::input_error({file.path()}, "a header longer than the file or 64 KiB");
  }
  std::string bytes(length, '\0');
  file.read_at(0, bytes.data(), bytes.size());
  return bytes;
}

std::unique_ptr<Part> open_part(const std::string& path) {
  auto part = std::make_unique<Part>(path);
  const std::string bytes = read_header_bytes(part->file);
  part->data_offset = bytes.size();
  const auto source = core::memory_input(bytes, path);
  part->header = core::read_npy_header(*source);
  const std::size_t at = bytes.find("# slice ");
  if (at == std::string::npos) fail(*part, "no slice: made without --slice");
  const std::string comment = bytes.substr(at + 7);
  const std::size_t blank = comment.find(' ', 1);
  part->slice = core::parse_slice(comment.substr(1, blank - 1));
  part->start = number(*part, field(*part, comment, "start"));
  part->total = number(*part, field(*part, comment, "n"));
  part->options = field(*part, comment, "options");
  part->layout = field(*part, comment, "layout");
  const std::size_t axes = part->header.shape.size();
  if (axes < 2) fail(*part, "a slice has two or three axes");
  part->axis = part->layout == "col" ? axes - 1 : axes - 2;
  const auto [from, to] = part->slice.range(part->total);
  if (part->rows() != to - from)
    fail(*part, "the rows are not those of slice " + part->slice.text());
  if (part->header.big_endian || part->header.fortran_order) fail(*part, "rewritten since");
  const std::uint64_t bytes_wanted =
      part->header.items() * core::item_size(part->header.type) + part->data_offset;
  if (part->file.size() != bytes_wanted) {
    fail(*part, "has " + std::to_string(part->file.size()) + " bytes, its header says " +
                    std::to_string(bytes_wanted));
  }
  return part;
}

// All slices of one run, each once, in order.
void check_complete(std::vector<std::unique_ptr<Part>>& parts) {
  const Part& first = *parts.front();
  for (const auto& part : parts) {
    const bool same = part->slice.count == first.slice.count && part->start == first.start &&
                      part->total == first.total && part->options == first.options &&
                      part->header.type == first.header.type && part->axis == first.axis &&
                      part->outer() == first.outer() && part->inner() == first.inner();
    if (!same) fail(*part, "does not belong to the run of " + core::quoted(first.file.path()));
  }
  std::ranges::sort(parts, {}, [](const auto& part) { return part->slice.index; });
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && parts[i]->slice.index == parts[i - 1]->slice.index) {
      fail(*parts[i], "slice " + parts[i]->slice.text() + " is there twice");
    }
    if (parts[i]->slice.index != i) break;
  }
  for (std::uint64_t k = 0; k < first.slice.count; ++k) {
    if (k < parts.size() && parts[k]->slice.index == k) continue;
    throw core::input_error(
        {first.file.path()},
        "slice " + std::to_string(k) + "/" + std::to_string(first.slice.count) + " is missing");
  }
}

void copy(const Part& part, std::uint64_t offset, std::uint64_t size, core::Output& out) {
  std::string buffer(std::min<std::uint64_t>(size, core::kBlockBytes), '\0');
  for (std::uint64_t done = 0; done < size; done += buffer.size()) {
    buffer.resize(std::min<std::uint64_t>(buffer.size(), size - done));
    part.file.read_at(part.data_offset + offset + done, buffer.data(), buffer.size());
    out.write(buffer);
  }
}

int merge(const MergeOptions& o, core::Io& io) {
  io.require_json_target(o.output == "-");
  std::vector<std::unique_ptr<Part>> parts;
  for (const std::string& path : o.parts) {
    if (core::same_file(path, o.output)) {
      throw core::usage_error(path + " is both a part and the output");
    }
    parts.push_back(open_part(path));
  }
  check_complete(parts);
  const Part& first = *parts.front();
  std::vector<std::uint64_t> shape = first.header.shape;
  shape[first.axis] = first.total;
  const auto out = io.open_output(o.output);
  core::write_npy_header(*out, first.header.type, shape);
  const std::uint64_t row = first.inner() * core::item_size(first.header.type);
  for (std::uint64_t outer = 0; outer < first.outer(); ++outer) {
    for (const auto& part : parts)
      copy(*part, outer * part->rows() * row, part->rows() * row, *out);
  }
  out->commit();
  io.summary({{"parts", parts.size()}, {"n", first.total}});
  return 0;
}

}  // namespace

void register_merge(core::Tool& tool) {
  auto o = std::make_shared<MergeOptions>();
  auto cmd = tool.subcommand("merge", "join the slices of one run");
  cmd.option("PART", &o->parts, ".npy files made with --slice, in any order").required();
  cmd.option("-o,--output", &o->output, "the joined file").value_name("FILE").required();
  cmd.run([o](core::Io& io) { return merge(*o, io); });
}

}  // namespace stateutils::tools
