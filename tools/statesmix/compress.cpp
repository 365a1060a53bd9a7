#include "commands.hpp"
#include "file_job.hpp"

namespace stateutils::statesmix {

void register_compress(core::Tool& tool) {
  auto o = std::make_shared<FileOptions>();
  auto cmd = tool.subcommand("compress", "compress FILEs to FILE.ssmx, stdin to stdout");
  add_preset_flags(cmd, *o);
  add_compress_options(cmd, *o);
  add_output_options(cmd, *o);
  cmd.option("-v,--verbose", &o->verbose, "say sizes and bits per byte");
  cmd.option("FILE", &o->files, "files to compress; none or - is stdin");
  cmd.run([o](core::Io& io) { return compress_files(*o, io); });
}

}  // namespace stateutils::statesmix
