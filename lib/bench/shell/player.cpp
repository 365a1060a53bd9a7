#include "bench/shell/player.hpp"

#include <unistd.h>

#include "bench/families/stream.hpp"
#include "bench/world/text.hpp"
#include "core/hash.hpp"
#include "core/input.hpp"

namespace stateutils::bench {

Player::Player(PlayOptions options) : options_(std::move(options)) {
  const std::string& spec = options_.agent;
  const bool works_alone = spec.starts_with("shell:");
  if (works_alone) options_.shell = true;
  if (options_.shell || spec.starts_with("cmd:")) nursery_ = std::make_unique<core::Nursery>();
  if (options_.shell) host_ = std::make_unique<SandboxHost>(options_.sandbox, *nursery_);
  if (works_alone) {
    agent_ = std::make_unique<ShellAgent>(spec, *host_, *nursery_);
  } else if (spec.starts_with("cmd:")) {
    auto agent = std::make_unique<CommandAgent>(spec, options_.persistent, *nursery_);
    command_ = agent.get();
    agent_ = std::move(agent);
  } else {
    agent_ = make_agent(spec);
  }
}

Player::~Player() {
  agent_.reset();  // its process, before the nursery
}

TrialOptions Player::record_of(const std::string& agent, int trial) const {
  TrialOptions record;
  record.agent = agent;
  record.version = options_.version;
  record.seed = options_.seed;
  record.trial = trial;
  record.keep_output = options_.keep_output;
  if (host_) {
    record.sandbox = sandbox_name(options_.sandbox.kind);
    record.weak_isolation = options_.sandbox.kind != SandboxKind::kBwrap;
  }
  return record;
}

void Player::play(Task& task, Store& store, const std::function<void(PlayedTrial&)>& sink) {
  for (int trial = 0; trial < options_.trials; ++trial) {
    if (!agent_->plays(task, trial)) continue;
    TrialOptions record = record_of(agent_->name(), trial);
    record.digests = &digests_;
    play_trial(*agent_, task, store, std::move(record), sink);
  }
}

void Player::play_trial(Agent& agent, Task& task, Store& store, TrialOptions record,
                        const std::function<void(PlayedTrial&)>& sink) {
  if (options_.adjust_limits) options_.adjust_limits(task.limits);
  const Judge judge(task.contract, store, task.initial);
  std::unique_ptr<ShellSurface> surface;
  if (host_ && !options_.agent.starts_with("shell:")) {
    surface = std::make_unique<ShellSurface>(*host_, *nursery_, task, options_.reset_runtime);
  }
  Episode episode(task, store, judge, surface.get());
  if (options_.reset_runtime && task.family == "knapsack") episode.forget_after_steps("var.");
  const auto number = static_cast<std::uint64_t>(record.trial);
  core::Rng rng =
      agent.draws() ? task_stream(task.id, agent.name(), record.seed, number) : core::Rng(0, 0);
  std::string end = agent.play(episode, record.trial, rng);
  if (!episode.stopped().empty()) end = episode.stopped();
  surface.reset();  // nothing of the agent is left when the verdict is taken
  std::string complaint;
  if (command_ == &agent) {
    record.tokens = command_->account().tokens;
    record.cost = command_->account().cost;
    complaint = command_->complaint();
  }
  PlayedTrial played{episode, record.trial, end, trial_json(episode, end, record),
                     std::move(complaint)};
  sink(played);
}

std::string agent_sha256(const std::string& spec) {
  core::Sha256 sha;
  sha.update(spec.data(), spec.size());
  std::vector<std::string> words;
  const std::size_t colon = spec.find(':');
  const bool program = spec.starts_with("cmd:") || spec.starts_with("shell:");
  if (program && split_command(std::string_view(spec).substr(colon + 1), words)) {
    // Of `python3 agent.py` the script matters as much as the program.
    for (const std::string& word : words) {
      if (word.find('/') == std::string::npos && &word == &words.front()) continue;
      if (::access(word.c_str(), R_OK) != 0) continue;
      try {
        const std::string bytes = core::read_file(word, 256u << 20);
        sha.update(bytes.data(), bytes.size());
      } catch (const core::Error&) {
        continue;  // a folder, or too large: the spec alone names it
      }
    }
  }
  const core::Sha256Digest digest = sha.digest();
  return core::hex(digest.data(), digest.size());
}

}  // namespace stateutils::bench
