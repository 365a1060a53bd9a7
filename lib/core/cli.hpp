// The option table of a tool. One declaration per option gives parser, --help, --dump-cli and
// completions; CLI11 stays inside cli.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/units.hpp"

namespace stateutils::core {

struct Io;

// Where an option's value goes; what it holds when the option is declared is the default that
// help shows. optional<> targets show no default. Vectors collect repeated uses.
using OptionTarget =
    std::variant<bool*, int*, std::int64_t*, std::uint64_t*, double*, std::string*, ByteSize*,
                 Duration*, Count*, std::optional<int>*, std::optional<std::int64_t>*,
                 std::optional<std::uint64_t>*, std::optional<double>*, std::optional<std::string>*,
                 std::optional<ByteSize>*, std::optional<Duration>*, std::optional<Count>*,
                 std::vector<std::string>*, std::vector<double>*, std::vector<std::int64_t>*,
                 std::vector<Count>*, std::vector<ByteSize>*>;

class Option {
 public:
  struct State;
  explicit Option(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Option& range(double low, double high);  // shown in help; outside is exit 2
  Option& at_least(double low);
  Option& one_of(std::vector<std::string> choices);  // shown in help
  Option& required();
  Option& hidden();
  Option& value_name(const std::string& name);  // FILE, N, SIZE ... in help
  Option& excludes(const std::string& other);   // the other option's long name
  Option& needs(const std::string& other);
  Option& comma_list();                           // vectors: "a,b,c" is three values
  Option& default_text(const std::string& text);  // shown in place of the target's value
  [[nodiscard]] bool given() const;               // after parsing

 private:
  std::shared_ptr<State> state_;
};

// One (sub)command: a table of options and the function that runs it.
class Command {
 public:
  struct State;
  explicit Command(std::shared_ptr<State> state) : state_(std::move(state)) {}

  // `names` is "-o,--output" or "--ttl"; a name without dashes makes it positional ("FILE").
  // A bool* target makes a flag; "--bound,!--no-bound" adds its negation.
  Option option(const std::string& names, OptionTarget target, const std::string& help);
  // A flag that runs `action` each time it is met, in order (for -1 .. -9).
  Option flag(const std::string& names, std::function<void()> action, const std::string& help);
  Command subcommand(const std::string& name, const std::string& help);
  Command& hidden();
  Command& footer(const std::string& text);
  // The work. A command without it demands one of its subcommands.
  void run(std::function<int(Io&)> action);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace stateutils::core
