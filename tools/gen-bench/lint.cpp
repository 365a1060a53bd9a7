#include "bench/pack/lint.hpp"

#include "bench/pack/installed.hpp"
#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct LintOptions {
  std::vector<std::string> packs;
  std::string output = "-";
};

int lint(const LintOptions& o, core::Io& io) {
  const auto out = io.open_output(o.output);
  std::uint64_t errors = 0;
  for (const std::string& path : o.packs) {
    const auto finding = [&](bool error, const std::string& place, const std::string& message) {
      std::string text;
      core::JsonWriter json(text);
      json.begin_object().field("pack", path).field("level", error ? "error" : "warning");
      json.field("place", place).field("message", message).end_object();
      out->write(text + "\n");
      errors += error;
    };
    bench::Store store;
    try {
      const bench::Document document = bench::load_pack(path);
      const bench::Pack pack = read_pack(document, store);
      for (const bench::LintFinding& f : bench::lint(pack, store))
        finding(f.error, f.place, f.message);
    } catch (const core::Error& e) {
      if (e.category() != core::Category::kInput) throw;
      finding(true, "", e.what());
    }
  }
  out->commit();
  summarize(io, o.output, {{"packs", o.packs.size()}, {"errors", errors}});
  return errors > 0 ? 1 : 0;
}

}  // namespace

void register_lint(core::Tool& tool) {
  auto o = std::make_shared<LintOptions>();
  auto cmd = tool.subcommand("lint", "check packs; exit 1 on errors");
  cmd.option("PACK", &o->packs, "pack files, or names of shipped or installed packs")
      .required()
      .value_name("PACK");
  cmd.option("-o,--output", &o->output, "write there instead of stdout").value_name("FILE");
  cmd.run([o](core::Io& io) { return lint(*o, io); });
}

}  // namespace stateutils::tools
