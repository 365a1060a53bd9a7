// vectors: the tables inside the binary, and generating vectors and matrices from files.
#include <numeric>

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/npy.hpp"
#include "qmc/ld_file.hpp"
#include "qmc/sequences.hpp"

namespace stateutils::tools {
namespace {

struct ShowOptions {
  std::string source;
  std::optional<core::Count> d;
  std::string output = "-", format = "ldd";
};

int list(core::Io& io) {
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("name", "joe-kuo").field("kind", "sobol");
  json.field("dimensions", qmc::kSobolDimensions).field("points", 1ull << 32);
  json.field("source", "S. Joe and F. Y. Kuo, SIAM J. Sci. Comput. 30 (2008), new-joe-kuo-6.21201");
  json.end_object();
  text += '\n';
  core::JsonWriter second(text);
  second.begin_object().field("name", "kuo-33002").field("kind", "lattice");
  second.field("dimensions", qmc::kLatticeDimensions).field("points", qmc::kLatticePoints);
  second.field("source", "F. Y. Kuo, lattice-33002-1024-1048576.9125");
  second.end_object();
  text += '\n';
  io.out->write(text);
  return 0;
}

qmc::LdFile built_in(const std::string& name, std::optional<std::uint64_t> d) {
  qmc::LdFile file;
  const bool sobol = name == "joe-kuo";
  const std::uint64_t most = sobol ? qmc::kSobolDimensions : qmc::kLatticeDimensions;
  if (d && *d > most)
    throw core::usage_error(name + " has " + std::to_string(most) + " dimensions");
  std::vector<std::uint32_t> dims(d.value_or(most));
  std::iota(dims.begin(), dims.end(), 0u);
  if (sobol) {
    file.kind = qmc::LdFile::Kind::kNet2;
    file.net = qmc::sobol_net(dims);
    file.points = 1ull << 32;
  } else {
    file.generator = qmc::built_in_lattice(dims);
    file.points = qmc::kLatticePoints;
  }
  return file;
}

void cut_dims(qmc::LdFile& file, const std::string& name, std::uint64_t d) {
  if (d > file.dims()) {
    throw core::usage_error(name + " has " + std::to_string(file.dims()) + " dimensions");
  }
  if (file.kind == qmc::LdFile::Kind::kLattice) file.generator.resize(d);
  if (file.kind == qmc::LdFile::Kind::kNet2) file.net.bits.resize(d * file.net.columns);
}

void write_file(const qmc::LdFile& file, const std::string& name, const std::string& format,
                core::Output& out) {
  if (file.kind == qmc::LdFile::Kind::kNetB) {
    throw core::usage_error(name + " is a net in another base than 2: it has no second form");
  }
  const bool lattice = file.kind == qmc::LdFile::Kind::kLattice;
  if (format == "ldd") {
    out.write(lattice ? qmc::lattice_text(file.generator, file.points) : qmc::dnet_text(file.net));
    return;
  }
  std::vector<std::uint64_t> values = lattice ? file.generator : file.net.bits;
  std::vector<std::uint64_t> shape = {values.size()};
  if (!lattice) {
    for (std::uint64_t& value : values) value >>= 64 - file.net.rows;
    shape = {file.net.dims(), file.net.columns};
  }
  core::write_npy_header(out, core::NpyType::kU8, shape);
  out.write(values.data(), values.size() * sizeof values[0]);
}

int show(const ShowOptions& o, bool from_file, core::Io& io) {
  io.require_json_target(o.output == "-");
  const auto d = o.d ? std::optional<std::uint64_t>(o.d->value) : std::nullopt;
  qmc::LdFile file = from_file ? qmc::read_ld_file(o.source) : built_in(o.source, d);
  if (d) cut_dims(file, o.source, *d);
  const auto out = io.open_output(o.output);
  write_file(file, o.source, o.format, *out);
  out->commit();
  return 0;
}

void bind(core::Command& cmd, ShowOptions& o) {
  cmd.option("-d", &o.d, "only the first D dimensions").value_name("D");
  cmd.option("--format", &o.format, "ldd: LDData text; npy: integers").one_of({"ldd", "npy"});
  cmd.option("-o,--output", &o.output, "where it goes").value_name("FILE");
}

}  // namespace

void register_vectors(core::Tool& tool) {
  auto group = tool.subcommand("vectors", "generating vectors and matrices");
  auto list_command = group.subcommand("list", "the tables inside the program, one JSON line each");
  list_command.run([](core::Io& io) { return list(io); });

  auto shown = std::make_shared<ShowOptions>();
  auto show_command = group.subcommand("show", "print a table of the program");
  show_command.option("NAME", &shown->source, "table").one_of({"joe-kuo", "kuo-33002"}).required();
  bind(show_command, *shown);
  show_command.run([shown](core::Io& io) { return show(*shown, false, io); });

  auto imported = std::make_shared<ShowOptions>();
  auto import_command = group.subcommand("import", "check a file and write it as LDData or .npy");
  import_command.option("FILE", &imported->source, "LDData text, Joe-Kuo text or .npy").required();
  bind(import_command, *imported);
  import_command.run([imported](core::Io& io) { return show(*imported, true, io); });
}

}  // namespace stateutils::tools
