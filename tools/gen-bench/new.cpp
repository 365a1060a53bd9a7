#include <sys/stat.h>

#include <cerrno>

#include "bench/pack/shipped.hpp"
#include "commands.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

struct NewOptions {
  std::string folder, start = "conflict";
};

int make_pack(const NewOptions& o, core::Io& io) {
  std::string_view text;
  for (const bench::ShippedPack& start : bench::pack_templates()) {
    if (start.name == o.start) text = start.text;
  }
  if (::mkdir(o.folder.c_str(), 0777) != 0 && errno != EEXIST) {
    throw core::system_error(o.folder, "create", errno);
  }
  const std::string path = o.folder + "/pack.json";
  const auto out = io.open_output(path, false);
  out->write(text);
  out->commit();
  if (!io.quiet) io.log.info("wrote " + path + "; next: gen-bench lint " + path);
  summarize(io, path, {{"bytes", text.size()}});
  return 0;
}

}  // namespace

void register_new(core::Tool& tool) {
  auto o = std::make_shared<NewOptions>();
  std::vector<std::string> starts;
  for (const bench::ShippedPack& start : bench::pack_templates()) starts.emplace_back(start.name);
  auto cmd = tool.subcommand("new", "start a pack, with comments; never overwrites one");
  cmd.option("DIR", &o->folder, "where pack.json goes").value_name("DIR").required();
  cmd.option("--template", &o->start, "what to start with").one_of(starts);
  cmd.run([o](core::Io& io) { return make_pack(*o, io); });
}

}  // namespace stateutils::tools
