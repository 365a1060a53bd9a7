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
  ckpt_convert::register_compress(tool);
  ckpt_convert::register_decompress(tool);
  ckpt_convert::register_protect(tool);
  ckpt_convert::register_repair(tool);
  ckpt_convert::register_snapshot(tool);
  ckpt_convert::register_quantize(tool);
  ckpt_convert::register_dequantize(tool);
  ckpt_convert::register_bench(tool);
  return tool.main(argc, argv);
}
