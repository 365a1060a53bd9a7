#include "core/tool.hpp"

#include <fcntl.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>
#include <system_error>

#include "core/cli_table.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::core {
namespace {

constexpr int kBug = 70;
constexpr int kClosedPipe = 128 + SIGPIPE;

// What every tool takes, in the same words.
struct Common {
  bool quiet = false, version = false, no_sync = false, dump = false;
  int threads = 0;
  std::optional<std::uint64_t> seed;
  std::optional<std::string> json;
  std::string log_level = "info", color = "auto", completion;
};

void add_common_options(Command command, Common& common) {
  command.option("-q,--quiet", &common.quiet, "no progress, no notes");
  command.option("-T,--threads", &common.threads, "threads (0 = all this process may use)")
      .range(0, 4096);
  command.option("--seed", &common.seed, "seed of every random choice");
  command.option("--json", &common.json, "print one JSON summary on stdout (--json=FILE: to FILE)")
      .value_name("FILE");
  command.option("--log-level", &common.log_level, "least important message to print")
      .one_of({"error", "warn", "info", "debug"});
  command.option("--color", &common.color, "colours in terminal output")
      .one_of({"auto", "always", "never"});
  command.option("--no-sync", &common.no_sync, "do not fsync outputs (scratch work)");
}

bool takes(const Command::State& command, const std::string& name) {
  return std::ranges::any_of(command.options, [&](const auto& option) {
    return std::ranges::find(option->names, name) != option->names.end() ||
           std::ranges::find(option->negations, name) != option->negations.end();
  });
}

// A command's own option wins over a common one of the same name.
void adopt_common(Command::State& command, Common& common) {
  auto made = std::make_shared<Command::State>();
  add_common_options(Command(made), common);
  for (const auto& option : made->options) {
    if (takes(command, option->long_name())) continue;
    std::erase_if(option->names, [&](const std::string& name) { return takes(command, name); });
    option->common = true;
    option->optional_value = option->long_name() == "--json";
    command.options.push_back(option);
  }
  for (const auto& child : command.subcommands) adopt_common(*child, common);
}

// A process started with a standard descriptor closed must not let a data file take its number.
// Reading from or writing to the stand-in fails, as it would on the closed one.
void guard_standard_descriptors() {
  constexpr int kModes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
  for (const int fd : {0, 1, 2}) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      [[maybe_unused]] const int stand_in = ::open("/dev/null", kModes[fd]);
    }
  }
}

LogLevel level_of(const Common& common) {
  if (common.log_level == "error") return LogLevel::kError;
  if (common.log_level == "debug") return LogLevel::kDebug;
  if (common.quiet || common.log_level == "warn") return LogLevel::kWarn;
  return LogLevel::kInfo;
}

bool wants_color(const Common& common) {
  if (common.color != "auto") return common.color == "always";
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

// What a stream held before its error was good: deliver it. A second failure changes nothing.
void deliver_rest(Output& out) {
  try {
    out.flush();
  } catch (const Error&) {
    return;
  }
}

}  // namespace

struct Tool::State {
  std::shared_ptr<Command::State> table = std::make_shared<Command::State>();
  Command root{table};
  Common common;
  std::string path;  // of the command that runs, for messages

  [[nodiscard]] std::string prefix() const {
    return path.empty() ? table->name : table->name + ' ' + path;
  }
  int run(int argc, char** argv, Output& out);
  int act(const Parsed& parsed, Output& out);
};

namespace {

// Commands are described outside of main()'s try block; memory may end there, too.
void end_without_memory() {
  constexpr std::string_view kMessage = ": out of memory\n";
  const std::string_view name = program_invocation_short_name;
  (void)!::write(STDERR_FILENO, name.data(), name.size());
  (void)!::write(STDERR_FILENO, kMessage.data(), kMessage.size());
  ::_exit(static_cast<int>(Category::kEnvironment));
}

}  // namespace

Tool::Tool(std::string name, std::string help) {
  std::set_new_handler(end_without_memory);
  state_ = std::make_unique<State>();
  state_->table->name = std::move(name);
  state_->table->help = std::move(help);
}
Tool::~Tool() = default;

Command& Tool::root() {
  return state_->root;
}

Command Tool::subcommand(const std::string& name, const std::string& help) {
  return state_->root.subcommand(name, help);
}

int Tool::State::act(const Parsed& parsed, Output& out) {
  if (!parsed.command->action) {
    throw usage_error("a subcommand is required (see " + table->name + " --help)");
  }
  Io io;
  io.tool = table->name;
  io.subcommand = path;
  io.version = STATEUTILS_VERSION;
  io.out = &out;
  io.log = Log(prefix(), level_of(common));
  io.threads = startable_threads(common.threads == 0 ? available_threads() : common.threads);
  io.seed = common.seed.value_or(0);
  io.seed_given = common.seed.has_value();
  io.quiet = common.quiet;
  io.sync = !common.no_sync;
  io.out_is_terminal = ::isatty(STDOUT_FILENO) != 0;
  io.err_is_terminal = ::isatty(STDERR_FILENO) != 0;
  io.color = wants_color(common);
  io.json = common.json;
  ::omp_set_num_threads(io.threads);
  const int code = parsed.command->action(io);
  io.ensure_summary();
  out.commit();
  return code;
}

int Tool::State::run(int argc, char** argv, Output& out) {
  adopt_common(*table, common);
  root.option("--version", &common.version, "print the version and exit");
  root.option("--dump-cli", &common.dump, "print the option tree as JSON").hidden();
  root.option("--dump-completion", &common.completion, "print a completion script")
      .one_of({"bash", "zsh"})
      .hidden();
  const auto print = [&](const std::string& text) {
    out.write(text);
    out.commit();
    return 0;
  };
  // These answer whatever else is missing, so they are looked for before the full parse.
  for (int i = 1; i < argc && argv[i][0] == '-' && argv[i] != std::string_view("--"); ++i) {
    const std::string_view word = argv[i];
    if (word == "--version") return print(table->name + ' ' + STATEUTILS_VERSION + '\n');
    if (word == "--dump-cli") return print(dump_cli(*table));
    if (word == "--dump-completion" && i + 1 < argc) {
      return print(completion_script(*table, argv[i + 1]));
    }
  }
  const Parsed parsed = parse_command_line(*table, argc, argv);
  path = parsed.path;
  if (parsed.what == Parsed::What::kHelp) return print(parsed.help);
  return act(parsed, out);
}

int Tool::main(int argc, char** argv) {
  std::set_new_handler(nullptr);
  guard_standard_descriptors();
  install_signal_handlers();
  int deadly_signal = 0;
  std::string message;
  int code = kBug;
  try {
    FdOutput out(STDOUT_FILENO, "stdout");
    try {
      code = state_->run(argc, argv, out);
    } catch (const Error&) {
      deliver_rest(out);
      throw;
    }
    if (::close(STDOUT_FILENO) != 0 && errno != EINTR && errno != EBADF) {
      throw system_error("stdout", "close", errno);
    }
  } catch (const Interrupted& interrupted) {
    deadly_signal = interrupted.signal;
  } catch (const ClosedPipe&) {
    deadly_signal = SIGPIPE;
  } catch (const Error& error) {
    message = error.what();
    code = static_cast<int>(error.category());
  } catch (const std::bad_alloc&) {
    message = "out of memory";
    code = static_cast<int>(Category::kEnvironment);
  } catch (const std::system_error& error) {  // file systems, and threads that cannot be started
    message = error.what();
    code = static_cast<int>(Category::kEnvironment);
  } catch (const std::exception& error) {
    message = std::string("internal error: ") + error.what();
    code = kBug;
  }
  if (deadly_signal == SIGPIPE) return kClosedPipe;
  if (deadly_signal != 0) die_by_signal(deadly_signal);
  if (!message.empty()) Log(state_->prefix(), LogLevel::kError).error(message);
  return code;
}

}  // namespace stateutils::core
