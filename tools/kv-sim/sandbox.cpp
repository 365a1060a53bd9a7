// sandbox: memory limits of agents' sandboxes on one host.
#include "kv/sandbox.hpp"

#include "commands.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "kv/quantiles.hpp"
#include "result_output.hpp"

namespace stateutils::tools {
namespace {

constexpr double kMb = 1e6;

struct SandboxOptions {
  std::string memory = "-", output = "-";
  std::optional<std::string> calls;
  std::vector<std::string> policies;
  core::ByteSize host, limit{2ull << 30};
  double margin = 1.1;
};

void write_policy(core::JsonWriter& json, const kv::SandboxRule& rule, kv::SandboxResult& result) {
  json.begin_object().field("policy", rule.name).field("finished", result.finished);
  json.field("kills", result.killed).field("refused", result.refused);
  json.field("makespan_s", result.makespan_s);
  json.field("reserved_mb_s", result.reserved_mb_s).field("used_mb_s", result.used_mb_s);
  json.field("waste_mb_s", result.waste_mb_s);
  json.field("throttled_s", result.throttled_s).field("most_used_mb", result.most_used_mb);
  json.field("most_running", result.most_running).key("completion_s");
  kv::write_quantiles(json, result.completion);
  json.end_object();
}

std::string read_text(const std::string& path, const core::Io& io) {
  const auto source = io.open_input(path);
  return core::read_all(*source, 1ull << 30);
}

int sandbox(const SandboxOptions& o, const core::Io& io) {
  std::vector<kv::SandboxRule> rules;
  std::vector<std::string> policies = o.policies;
  if (policies.empty()) policies = {"static", "history"};
  if (o.policies.empty() && o.calls) policies.emplace_back("tool");
  for (const std::string& name : policies) {
    kv::SandboxRule rule;
    rule.name = name;
    rule.kind = kv::parse_sandbox_policy(name);
    rule.host_mb = static_cast<double>(o.host.bytes) / kMb;
    rule.limit_mb = static_cast<double>(o.limit.bytes) / kMb;
    rule.margin = o.margin;
    if (rule.kind == kv::SandboxRule::Kind::kTool && !o.calls) {
      throw core::usage_error("--policy tool needs --calls");
    }
    rules.push_back(rule);
  }
  const std::string memory = read_text(o.memory, io);
  const std::string calls = o.calls ? read_text(*o.calls, io) : "";
  const kv::SandboxTable table =
      kv::read_sandboxes(memory, o.memory == "-" ? "stdin" : o.memory, calls, o.calls.value_or(""));
  std::string text;
  core::JsonWriter json(text);
  json.begin_object().field("runs", table.runs.size());
  json.field("host_mb", static_cast<double>(o.host.bytes) / kMb).key("policies").begin_array();
  for (const kv::SandboxRule& rule : rules) {
    auto result = kv::simulate_sandboxes(table, rule);
    write_policy(json, rule, result);
  }
  json.end_array().end_object();
  write_result(text, o.output, io);
  return 0;
}

}  // namespace

void register_sandbox(core::Tool& tool) {
  auto o = std::make_shared<SandboxOptions>();
  auto command = tool.subcommand("sandbox", "memory limits of agents' sandboxes on one host");
  command.option("MEMORY", &o->memory, "table of model, task, t_s, mem_mb; - for stdin");
  command.option("--calls", &o->calls, "table of model, task, tool, start_s, duration_s")
      .value_name("FILE");
  command.option("--host", &o->host, "memory of the host").required().value_name("SIZE");
  command.option("--limit", &o->limit, "limit of static, and before there is a history")
      .value_name("SIZE");
  command.option("--margin", &o->margin, "what a learned limit is multiplied by").range(1, 100);
  command.option("--policy", &o->policies, "static, history, tool; all that the tables allow")
      .comma_list()
      .value_name("LIST");
  command.option("-o,--output", &o->output, "where to write").value_name("FILE");
  command.run([o](core::Io& io) { return sandbox(*o, io); });
}

}  // namespace stateutils::tools
