// The form without a subcommand: options as xz and zstd have them, so that tar -I works.
#include "commands.hpp"
#include "core/error.hpp"
#include "file_job.hpp"

namespace stateutils::statesmix {
namespace {

struct FilterOptions : FileOptions {
  bool decompress = false, test = false, list = false;
};

int filter(const FilterOptions& o, core::Io& io) {
  if (o.decompress + o.test + o.list > 1)
    throw core::usage_error("-d, -t and -l exclude each other");
  if (o.list) return list_files(o, io);
  if (o.test) return test_files(o, io);
  return o.decompress ? decompress_files(o, io) : compress_files(o, io);
}

}  // namespace

void register_filter(core::Tool& tool) {
  auto o = std::make_shared<FilterOptions>();
  core::Command& cmd = tool.root();
  cmd.option("-d,--decompress", &o->decompress, "decompress");
  cmd.option("-t,--test", &o->test, "verify, write nothing");
  cmd.option("-l,--list", &o->list, "show what compressed files hold");
  add_preset_flags(cmd, *o);
  add_compress_options(cmd, *o);
  add_decode_options(cmd, *o);
  add_output_options(cmd, *o);
  cmd.option("-v,--verbose", &o->verbose, "say sizes and bits per byte");
  cmd.option("FILE", &o->files, "files; none or - is stdin");
  cmd.run([o](core::Io& io) { return filter(*o, io); });
}

}  // namespace stateutils::statesmix
