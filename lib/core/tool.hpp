// The process around a tool: common options, exit codes, signals, the checked end of stdout.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/cli.hpp"
#include "core/error.hpp"
#include "core/io.hpp"

namespace stateutils::core {

// Exit codes: 0 success, 1 negative verdict, 2 usage, 3 invalid input, 4 environment, 70 a bug.
class Tool {
 public:
  Tool(std::string name, std::string help);
  ~Tool();
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;

  // The command that runs without a subcommand's name; options declared here come before one.
  Command& root();
  Command subcommand(const std::string& name, const std::string& help);
  // Parses, runs, translates errors, closes stdout checked; returns the exit code.
  int main(int argc, char** argv);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stateutils::core
