#include "core/cli.hpp"

#include <stdexcept>

#include "core/cli_table.hpp"

namespace stateutils::core {
namespace {

// "-o,--output,!--no-output" into names and negations.
void split_names(const std::string& text, Option::State& option) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    if (name.starts_with('!')) {
      option.negations.push_back(name.substr(1));
    } else if (!name.empty()) {
      option.names.push_back(std::move(name));
    }
    begin = end + 1;
  }
  if (option.names.empty()) throw std::logic_error("option without a name: " + text);
}

}  // namespace

Option Command::option(const std::string& names, OptionTarget target, const std::string& help) {
  auto option = std::make_shared<Option::State>();
  split_names(names, *option);
  option->target = target;
  option->help = help;
  if (!is_flag(*option)) option->default_text = value_text(*option);
  state_->options.push_back(option);
  return Option(option);
}

Option Command::flag(const std::string& names, std::function<void()> action,
                     const std::string& help) {
  auto option = std::make_shared<Option::State>();
  split_names(names, *option);
  option->target = static_cast<bool*>(nullptr);
  option->action = std::move(action);
  option->help = help;
  state_->options.push_back(option);
  return Option(option);
}

Command Command::subcommand(const std::string& name, const std::string& help) {
  auto child = std::make_shared<Command::State>();
  child->name = name;
  child->help = help;
  state_->subcommands.push_back(child);
  return Command(child);
}

Command& Command::hidden() {
  state_->hidden = true;
  return *this;
}

Command& Command::footer(const std::string& text) {
  state_->footer = text;
  return *this;
}

void Command::run(std::function<int(Io&)> action) {
  state_->action = std::move(action);
}

Option& Option::range(double low, double high) {
  state_->low = low;
  state_->high = high;
  return *this;
}

Option& Option::at_least(double low) {
  state_->low = low;
  return *this;
}

Option& Option::one_of(std::vector<std::string> choices) {
  state_->choices = std::move(choices);
  return *this;
}

Option& Option::required() {
  state_->required = true;
  return *this;
}

Option& Option::hidden() {
  state_->hidden = true;
  return *this;
}

Option& Option::value_name(const std::string& name) {
  state_->value_name = name;
  return *this;
}

Option& Option::excludes(const std::string& other) {
  state_->excludes.push_back(other);
  return *this;
}

Option& Option::needs(const std::string& other) {
  state_->needs.push_back(other);
  return *this;
}

Option& Option::comma_list() {
  state_->comma_list = true;
  return *this;
}

Option& Option::default_text(const std::string& text) {
  state_->default_text = text;
  return *this;
}

bool Option::given() const {
  return state_->given;
}

}  // namespace stateutils::core
