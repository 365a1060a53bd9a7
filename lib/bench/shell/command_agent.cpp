#include "bench/shell/command_agent.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "bench/world/text.hpp"
#include "core/dom.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"
#include "core/output.hpp"
#include "core/signals.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxMessage = 4u << 20, kComplaint = 2000;
constexpr std::int64_t kFarewellMs = 2000;

std::vector<std::string> program_of(std::string_view spec, std::string_view prefix) {
  std::vector<std::string> argv;
  if (!split_command(spec.substr(prefix.size()), argv) || argv.empty()) {
    throw core::usage_error("agent " + core::quoted(spec) + " names no program");
  }
  return argv;
}

std::string observation_message(const Observation& seen, std::size_t step, int steps_left) {
  const auto line = [](const std::string& text) {
    return text.empty() || text.back() == '\n' ? text : text + "\n";
  };
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("type", "observation").field("step", step);
  json.field("exit_code", seen.exit).field("stdout", line(seen.out));
  json.field("stderr", line(seen.error)).field("truncated", seen.truncated);
  json.field("steps_left", steps_left).end_object();
  return out;
}

// A message of the agent; empty type: none that the protocol knows.
struct Message {
  std::string type, command, answer;
  AgentAccount account;
};

Message read_message(const std::string& line) {
  Message out;
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  simdjson::dom::object object;
  if (core::parse_json(parser, line).get(element) != simdjson::SUCCESS ||
      element.get(object) != simdjson::SUCCESS) {
    return out;
  }
  std::string_view type, command;
  if (object["type"].get(type) != simdjson::SUCCESS) return out;
  if (type == "action" && object["command"].get(command) == simdjson::SUCCESS) {
    out.type = type;
    out.command = command;
  } else if (type == "done") {
    out.type = type;
    simdjson::dom::element value;
    double cost = 0;
    if (object["answer"].get(value) == simdjson::SUCCESS && !value.is_null()) {
      out.answer = canonical(value);
    }
    if (object["tokens"].get(value) == simdjson::SUCCESS) out.account.tokens = canonical(value);
    if (object["cost"].get(cost) == simdjson::SUCCESS && cost >= 0) out.account.cost = cost;
  }
  return out;
}

}  // namespace

std::string task_message(const Task& task) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().field("type", "task").field("v", 1).field("task_id", task.id);
  json.field("instruction", task.instruction).key("tools").raw(task.world->public_tools_json);
  json.key("limits").begin_object().field("steps", task.limits.steps);
  json.field("step_timeout_ms", task.limits.step_timeout_ms);
  json.field("output_bytes", task.limits.output_bytes).end_object().end_object();
  return out;
}

struct CommandAgent::Process {
  pid_t pid = -1;
  core::Fd in, out, err;
  std::string heard;
};

CommandAgent::CommandAgent(std::string_view spec, bool persistent, core::Nursery& nursery)
    : name_(spec), argv_(program_of(spec, "cmd:")), persistent_(persistent), nursery_(nursery) {}

CommandAgent::~CommandAgent() {
  stop(true);
}

std::string CommandAgent::complaint() const {
  return complaint_.empty() ? "" : ": " + core::quoted(complaint_);
}

void CommandAgent::start() {
  core::Pipe in, out, err;
  core::Spawn spawn;
  spawn.argv = argv_;
  spawn.descriptors = {{in.read.get(), 0}, {out.write.get(), 1}, {err.write.get(), 2}};
  const pid_t pid = nursery_.start(spawn);
  process_ = std::make_unique<Process>();
  process_->pid = pid;
  for (core::Fd* fd : {&in.write, &out.read, &err.read}) core::set_nonblocking(fd->get());
  process_->in = std::move(in.write);
  process_->out = std::move(out.read);
  process_->err = std::move(err.read);
}

// A patient end gives the program time to leave by itself once its input is closed.
void CommandAgent::stop(bool patient) {
  if (!process_) return;
  process_->in.close();
  const std::int64_t deadline = core::now_ms() + kFarewellMs;
  while (patient && !nursery_.ended(process_->pid) && core::now_ms() < deadline)
    ::poll(nullptr, 0, 2);
  (void)nursery_.end(process_->pid);
  process_.reset();
}

// An agent that has closed its input hears nothing more; it may still speak.
void CommandAgent::say(const std::string& message) {
  const std::string line = message + "\n";
  const std::int64_t deadline = core::now_ms() + 10'000;
  std::size_t at = 0;
  while (at < line.size() && process_->in.open() && core::now_ms() < deadline) {
    const ssize_t n = ::write(process_->in.get(), line.data() + at, line.size() - at);
    if (n > 0) {
      at += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EAGAIN) {
      pollfd waiting{process_->in.get(), POLLOUT, 0};
      ::poll(&waiting, 1, 100);
    } else if (n < 0 && errno != EINTR) {
      process_->in.close();
    }
  }
}

CommandAgent::Heard CommandAgent::hear(std::int64_t deadline, std::string& line) {
  Process& p = *process_;
  std::array<char, 65536> block;
  for (;;) {
    const std::size_t end = p.heard.find('\n');
    if (end != std::string::npos) {
      line = p.heard.substr(0, end);
      p.heard.erase(0, end + 1);
      return Heard::kLine;
    }
    if (p.heard.size() > kMaxMessage) return Heard::kTooLong;
    if (!p.out.open()) return Heard::kEnd;
    core::check_stop();
    const std::int64_t left = deadline - core::now_ms();
    if (left <= 0) return Heard::kTimeout;
    pollfd waiting[] = {
        {p.out.get(), POLLIN, 0}, {p.err.get(), POLLIN, 0}, {core::stop_fd(), POLLIN, 0}};
    ::poll(waiting, 3, static_cast<int>(std::min<std::int64_t>(left, 1000)));
    if (waiting[1].revents != 0) {
      const ssize_t n = ::read(p.err.get(), block.data(), block.size());
      if (n == 0) p.err.close();
      if (n > 0) complaint_.append(block.data(), static_cast<std::size_t>(n));
      if (complaint_.size() > kComplaint) complaint_.erase(0, complaint_.size() - kComplaint);
    }
    if (waiting[0].revents != 0) {
      const ssize_t n = ::read(p.out.get(), block.data(), block.size());
      if (n == 0) p.out.close();
      if (n > 0) p.heard.append(block.data(), static_cast<std::size_t>(n));
    }
  }
}

std::string CommandAgent::converse(Episode& episode) {
  const Limits& limits = episode.task().limits;
  const std::int64_t trial_deadline = core::now_ms() + limits.episode_timeout_ms;
  say(task_message(episode.task()));
  for (std::string line;;) {
    switch (hear(std::min(trial_deadline, core::now_ms() + limits.step_timeout_ms), line)) {
      case Heard::kTimeout:
        return "timeout";
      case Heard::kEnd:
        return "crash";
      case Heard::kTooLong:
        return "protocol";
      case Heard::kLine:
        break;
    }
    const Message message = read_message(line);
    if (message.type == "done") {
      account_ = message.account;
      if (episode.steps_left() > 0) {
        (void)episode.step(message.answer.empty() ? "done" : "done " + message.answer);
      }
      return "done";
    }
    if (message.type != "action") return "protocol";
    if (episode.steps_left() <= 0) return "limit";
    const Observation& seen = episode.step(message.command);
    if (episode.done()) return "done";
    say(observation_message(seen, episode.steps().size(), episode.steps_left()));
    if (episode.steps_left() <= 0) return "limit";
  }
}

std::string CommandAgent::play(Episode& episode, int, core::Rng&) {
  account_ = {};
  complaint_.clear();
  if (!process_) {
    try {
      start();
    } catch (const core::Error& error) {
      complaint_ = error.what();
      return "error";  // nothing was tried: not the agent's failure
    }
  }
  const std::string end = converse(episode);
  // A process whose conversation broke off cannot be spoken to again.
  if (!persistent_ || (end != "done" && end != "limit")) stop(end == "done");
  return end;
}

ShellAgent::ShellAgent(std::string_view spec, SandboxHost& host, core::Nursery& nursery)
    : name_(spec), argv_(program_of(spec, "shell:")), host_(host), nursery_(nursery) {}

std::string ShellAgent::play(Episode& episode, int, core::Rng&) {
  ShellSurface surface(host_, nursery_, episode.task(), false);
  surface.leave("instruction.txt", episode.task().instruction + "\n");
  surface.leave("task.json", task_message(episode.task()) + "\n");
  std::vector<std::string> argv = argv_;
  if (argv[0].find('/') != std::string::npos) argv[0] = surface.admit(argv[0]);
  return surface.run_program(episode, std::move(argv));
}

}  // namespace stateutils::bench
