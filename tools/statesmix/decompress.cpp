#include "commands.hpp"
#include "file_job.hpp"

namespace stateutils::statesmix {

void register_decompress(core::Tool& tool) {
  auto o = std::make_shared<FileOptions>();
  auto cmd = tool.subcommand("decompress", "decompress FILE.ssmx to FILE, stdin to stdout");
  add_decode_options(cmd, *o);
  cmd.option("--max-output", &o->max_output, "stop with exit 4 when the output would exceed SIZE")
      .value_name("SIZE");
  cmd.option("--keep-going", &o->keep_going, "replace damaged blocks by zeros and go on; exit 3");
  add_output_options(cmd, *o);
  cmd.option("-v,--verbose", &o->verbose, "say sizes and bits per byte");
  cmd.option("FILE", &o->files, "files to decompress; none or - is stdin");
  cmd.run([o](core::Io& io) { return decompress_files(*o, io); });
}

}  // namespace stateutils::statesmix
