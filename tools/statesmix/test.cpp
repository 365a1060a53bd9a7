#include "commands.hpp"
#include "core/error.hpp"
#include "file_job.hpp"
#include "statesmix/codec/self_test.hpp"

namespace stateutils::statesmix {
namespace {

int self(core::Io& io) {
  const SelfTest result = run_self_test();
  for (const std::string& line : result.lines) io.out->write(line + '\n');
  if (!result.same) throw core::verdict_error("the kernels of this machine disagree");
  return 0;
}

}  // namespace

void register_test(core::Tool& tool) {
  auto o = std::make_shared<FileOptions>();
  auto kernels = std::make_shared<bool>(false);
  auto cmd = tool.subcommand("test", "verify every checksum of FILEs, write nothing");
  add_decode_options(cmd, *o);
  cmd.option("--self", kernels.get(), "code a built-in corpus with every kernel and compare");
  cmd.option("-v,--verbose", &o->verbose, "say sizes and bits per byte");
  cmd.option("FILE", &o->files, "compressed files; none or - is stdin");
  cmd.run([o, kernels](core::Io& io) { return *kernels ? self(io) : test_files(*o, io); });
}

}  // namespace stateutils::statesmix
