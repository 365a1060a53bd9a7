// balance: sequences of uneven length on devices.
#include "kv/balance.hpp"

#include "commands.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

struct BalanceOptions {
  std::string file = "-", method = "lpt", cost = "linear", output = "-";
  std::uint64_t devices = 0, shard = 0;
};

std::vector<std::uint64_t> read_lengths(core::ByteSource& source) {
  core::LineReader lines(source);
  std::vector<std::uint64_t> lengths;
  std::string_view line;
  while (lines.next(line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto length = core::parse_u64(line);
    if (!length || *length == 0 || *length > 1u << 31) {
      throw core::input_error(lines.place(), core::quoted(line) + " is no length");
    }
    lengths.push_back(*length);
  }
  if (lengths.empty()) throw core::input_error({source.name(), {}, {}}, "no lengths in it");
  return lengths;
}

int balance(const BalanceOptions& o, const core::Io& io) {
  const auto source = io.open_input(o.file);
  const auto devices = static_cast<std::uint32_t>(o.devices);
  const bool quadratic = o.cost == "quadratic";
  const auto lengths = read_lengths(*source);
  auto items = kv::balance_items(lengths, quadratic, o.shard);
  const kv::Balance result = o.method == "exact" ? kv::balance_exact(std::move(items), devices)
                             : o.method == "lp"  ? kv::balance_lp(std::move(items), devices)
                                                 : kv::balance_lpt(std::move(items), devices);
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("method", o.method).field("max", result.max);
  json.field("mean", result.mean).field("lower_bound", result.lower_bound);
  json.key("groups").begin_array();
  for (const auto& group : result.groups) {
    json.begin_array();
    for (const std::uint64_t length : group) json.value(length);
    json.end_array();
  }
  json.end_array().end_object();
  write_result(text, o.output, io);
  return 0;
}

}  // namespace

void register_balance(core::Tool& tool) {
  auto o = std::make_shared<BalanceOptions>();
  auto command = tool.subcommand("balance", "sequences of uneven length on devices");
  command.option("FILE", &o->file, "one length per line, - for stdin");
  command.option("--devices", &o->devices, "devices").required().range(1, 1e6).value_name("N");
  command
      .option("--method", &o->method,
              "lpt: longest first; exact: branch and bound; lp: the linear relaxation, rounded")
      .one_of({"lpt", "exact", "lp"});
  command.option("--shard", &o->shard, "cut sequences into pieces of N tokens (0: whole)")
      .value_name("N");
  command.option("--cost", &o->cost, "load of a sequence in its length")
      .one_of({"linear", "quadratic"});
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return balance(*o, io); });
}

}  // namespace stateutils::tools
