// The recorded option table behind core::Command: what parser, help, dump and completions read.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/cli.hpp"

namespace stateutils::core {

struct Option::State {
  std::vector<std::string> names;      // "-o", "--output"; one bare name for a positional
  std::vector<std::string> negations;  // "--no-bound"
  std::string help, value_name, default_text;
  OptionTarget target;
  std::function<void()> action;  // flags that act instead of filling a target
  std::optional<double> low, high;
  std::vector<std::string> choices, excludes, needs;
  bool required = false, hidden = false, comma_list = false;
  bool common = false;          // added by core::Tool to every command
  bool optional_value = false;  // --json and --json=FILE
  bool given = false;           // set by the parser

  [[nodiscard]] bool positional() const { return names.front().front() != '-'; }
  [[nodiscard]] const std::string& long_name() const { return names.back(); }
};

struct Command::State {
  std::string name, help, footer;
  bool hidden = false;
  std::vector<std::shared_ptr<Option::State>> options;
  std::vector<std::shared_ptr<Command::State>> subcommands;
  std::function<int(Io&)> action;
};

// What a target holds and takes.
[[nodiscard]] bool is_flag(const Option::State& option);
[[nodiscard]] bool is_vector(const Option::State& option);
[[nodiscard]] std::string type_name(const Option::State& option);   // "INT", "SIZE", "FILE" ...
[[nodiscard]] std::string range_text(const Option::State& option);  // "1..16", "{a,b}", ""
[[nodiscard]] std::string value_text(const Option::State& option);  // the target's value now
// Stores the values given for an option; empty on success, else what is wrong with them.
[[nodiscard]] std::string store_values(Option::State& option,
                                       const std::vector<std::string>& values);

// The outcome of reading argv.
struct Parsed {
  enum class What { kRun, kHelp } what = What::kRun;
  const Command::State* command = nullptr;  // the deepest command named
  std::string path;                         // its names after the tool's, "kernel eig"
  std::string help;                         // for kHelp
};
// Fills targets from argv; malformed usage is kUsage.
[[nodiscard]] Parsed parse_command_line(Command::State& root, int argc, char** argv);

[[nodiscard]] std::string dump_cli(const Command::State& root);
[[nodiscard]] std::string completion_script(const Command::State& root, const std::string& shell);

}  // namespace stateutils::core
