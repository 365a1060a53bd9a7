#include "commands.hpp"
#include "file_job.hpp"

namespace stateutils::statesmix {

void register_list(core::Tool& tool) {
  auto o = std::make_shared<FileOptions>();
  auto cmd = tool.subcommand("list", "frames, blocks, sizes, preset, memory and checksum of FILEs");
  cmd.option("FILE", &o->files, "compressed files; none or - is stdin");
  cmd.run([o](core::Io& io) { return list_files(*o, io); });
}

}  // namespace stateutils::statesmix
