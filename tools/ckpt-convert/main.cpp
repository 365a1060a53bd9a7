#include "commands.hpp"

int main(int argc, char** argv) {
  using namespace stateutils;
  core::Tool tool{"ckpt-convert", "read, check, reshape and convert model checkpoints"};
  ckpt_convert::register_inspect(tool);
  ckpt_convert::register_verify(tool);
  ckpt_convert::register_manifest(tool);
  ckpt_convert::register_diff(tool);
  ckpt_convert::register_convert(tool);
  ckpt_convert::register_reshard(tool);
  ckpt_convert::register_extract(tool);
  ckpt_convert::register_merge(tool);
  ckpt_convert::register_cast(tool);
  return tool.main(argc, argv);
}
