#include "playing.hpp"

namespace stateutils::tools {
namespace {

void apply_limits(const std::vector<std::string>& given, bench::Limits& limits) {
  for (const auto& [name, value] : parse_params(given)) {
    const auto n = core::parse_i64(value);
    if (!n || *n < 1 || *n > 1'000'000'000) {
      throw core::usage_error("--limit " + name + " wants a number from 1 to 10^9");
    }
    if (name == "steps")
      limits.steps = static_cast<int>(*n);
    else if (name == "step_timeout_ms")
      limits.step_timeout_ms = *n;
    else if (name == "episode_timeout_ms")
      limits.episode_timeout_ms = *n;
    else if (name == "output_bytes")
      limits.output_bytes = *n;
    else
      throw core::usage_error("unknown limit " + core::quoted(name) +
                              "; steps, step_timeout_ms, episode_timeout_ms or output_bytes");
  }
}

}  // namespace

void playing_options(core::Command& cmd, PlayingOptions& o) {
  cmd.option("TASKS", &o.input, "task records; - is stdin").value_name("TASKS");
  cmd.option("--trials", &o.trials, "trials of each task").value_name("K");
  cmd.option("--surface", &o.surface,
             "where commands run: on the simulated world, or in a sandboxed shell whose commands "
             "ask it")
      .one_of({"sim", "shell"});
  cmd.option("--sandbox", &o.sandbox,
             "of the shell surface; rlimit and none isolate less and mark each trial "
             "weak_isolation")
      .one_of({"bwrap", "rlimit", "none"});
  cmd.option("--runtime", &o.runtime,
             "whether variables and the like outlive a step; reset: each step a fresh shell")
      .one_of({"persistent", "reset"});
  cmd.option("--net", &o.net, "let the sandbox use the network");
  cmd.option("--show", &o.show, "a path that the sandbox may read").value_name("PATH");
  cmd.option("--persistent", &o.persistent, "cmd: agents: one process for all trials");
  shared_base_option(cmd, o.shared_base);
  cmd.option("--limit", &o.limits, "steps, step_timeout_ms, episode_timeout_ms or output_bytes")
      .value_name("NAME=V");
}

bench::PlayOptions play_options(const PlayingOptions& o, const core::Io& io,
                                const std::string& agent) {
  bench::Limits checked;
  apply_limits(o.limits, checked);
  if (o.trials.value < 1 || o.trials.value > 1'000'000) {
    throw core::usage_error("--trials wants a number from 1 to 10^6");
  }
  bench::PlayOptions out;
  out.agent = agent;
  out.version = io.version;
  out.shell = o.surface == "shell";
  out.sandbox.kind = o.sandbox == "bwrap"    ? bench::SandboxKind::kBwrap
                     : o.sandbox == "rlimit" ? bench::SandboxKind::kRlimit
                                             : bench::SandboxKind::kUnconfined;
  out.sandbox.network = o.net;
  out.sandbox.show = o.show;
  out.persistent = o.persistent;
  out.reset_runtime = o.runtime == "reset";
  out.trials = static_cast<int>(o.trials.value);
  out.seed = io.seed;
  out.adjust_limits = [limits = o.limits](bench::Limits& l) { apply_limits(limits, l); };
  return out;
}

void report_trouble(core::Io& io, const bench::PlayedTrial& played) {
  if (io.quiet || (played.end != "error" && played.end != "crash" && played.end != "protocol")) {
    return;
  }
  io.log.warn(played.episode.task().id + " trial " + std::to_string(played.trial) + ": " +
              played.end + played.complaint);
}

}  // namespace stateutils::tools
