// The one file that knows CLI11: builds a CLI::App from the recorded table and reads argv.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "core/cli_table.hpp"
#include "core/error.hpp"

namespace stateutils::core {
namespace {

// Words after "--" carry this mark past CLI11, which gives up on "--" once a list of positionals
// has its first word; no option or subcommand starts with it.
constexpr char kPositionalMark = '\x01';

std::string unmarked(const std::string& word) {
  return word.starts_with(kPositionalMark) ? word.substr(1) : word;
}

std::string joined(const Option::State& option) {
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ",") + name;
  for (const std::string& name : option.negations) names += ",!" + name;
  return names;
}

CLI::Option* add_flag(CLI::App& app, Option::State& option) {
  if (option.action) {
    return app.add_flag_function(
        joined(option),
        [&option](std::int64_t times) {
          option.given = true;
          for (; times > 0; --times) option.action();
        },
        option.help);
  }
  bool* target = std::get<bool*>(option.target);
  return app.add_flag_function(
      joined(option),
      [&option, target](std::int64_t times) {
        option.given = true;
        *target = times > 0;
      },
      option.help);
}

// --name or --name=VALUE, never --name VALUE: the next word stays a positional. CLI11 sees a plain
// flag; prepare_words() has cut the value off.
CLI::Option* add_optional_value(CLI::App& app, Option::State& option) {
  return app.add_flag_function(
      option.long_name(), [&option](std::int64_t) { option.given = true; }, option.help);
}

CLI::Option* add_valued(CLI::App& app, Option::State& option) {
  CLI::Option* added = app.add_option(
      joined(option),
      [&option](CLI::results_t values) {
        option.given = true;
        for (std::string& value : values) value = unmarked(value);
        const std::string why = store_values(option, values);
        if (!why.empty()) throw CLI::ValidationError(option.long_name(), why);
        return true;
      },
      option.help);
  std::string type = type_name(option);
  if (const std::string range = range_text(option); !range.empty()) type += ' ' + range;
  added->type_name(type);
  if (!option.default_text.empty()) added->default_str(option.default_text);
  if (is_vector(option)) {
    if (option.positional()) {
      added->expected(1, CLI::detail::expected_max_vector_size);
      added->allow_extra_args(true);
    } else {
      added->type_size(1)->expected(1, CLI::detail::expected_max_vector_size);
      added->allow_extra_args(false);
    }
    added->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  return added;
}

class Builder {
 public:
  void fill(CLI::App& app, Command::State& command, const std::string& path) {
    paths_.push_back({&app, &command, path});
    app.formatter(formatter());
    app.set_help_flag("-h,--help", "print this help and exit");
    if (!command.footer.empty()) app.footer(command.footer);
    for (const auto& option : command.options) add(app, *option);
    for (const auto& option : command.options) link(app, *option);
    for (const auto& child : command.subcommands) {
      CLI::App* sub = app.add_subcommand(child->name, child->help);
      if (child->hidden) sub->group("");
      fill(*sub, *child, path.empty() ? child->name : path + ' ' + child->name);
    }
    if (!command.action && !command.subcommands.empty()) app.require_subcommand(1);
  }

  // The deepest command that was named.
  Parsed named() const {
    Parsed parsed;
    for (const Entry& entry : paths_) {
      if (entry.path.empty() || entry.app->parsed()) {
        parsed.command = entry.command;
        parsed.path = entry.path;
      }
    }
    return parsed;
  }

 private:
  struct Entry {
    CLI::App* app;
    Command::State* command;
    std::string path;
  };

  static std::shared_ptr<CLI::Formatter> formatter() {
    auto made = std::make_shared<CLI::Formatter>();
    made->column_width(34);
    made->label("REQUIRED", "(required)");
    return made;
  }

  void add(CLI::App& app, Option::State& option) {
    CLI::Option* added = nullptr;
    if (option.optional_value) {
      added = add_optional_value(app, option);
    } else if (is_flag(option)) {
      added = add_flag(app, option);
    } else {
      added = add_valued(app, option);
    }
    if (option.required) added->required();
    if (option.common) added->group("Common options");
    if (option.hidden) added->group("");
  }

  static void link(CLI::App& app, const Option::State& option) {
    CLI::Option* self = app.get_option_no_throw(option.long_name());
    for (const std::string& other : option.excludes) self->excludes(app.get_option(other));
    for (const std::string& other : option.needs) self->needs(app.get_option(other));
  }

  std::vector<Entry> paths_;
};

// Every optional-value option of the tree that is called `name`.
void find_optional_values(Command::State& command, std::string_view name,
                          std::vector<Option::State*>& found) {
  for (const auto& option : command.options) {
    if (option->optional_value && option->long_name() == name) found.push_back(option.get());
  }
  for (const auto& child : command.subcommands) find_optional_values(*child, name, found);
}

// The words of argv for CLI11: "=VALUE" is cut from words such as --json=FILE and stored (a word
// without a value stores "-"); words after "--" are marked.
std::vector<std::string> prepare_words(Command::State& root, int argc, char** argv) {
  std::vector<std::string> words;
  bool options_end = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (options_end) {
      words.push_back(kPositionalMark + word);
      continue;
    }
    options_end = word == "--";
    if (options_end) continue;
    const auto equals = word.find('=');
    std::vector<Option::State*> found;
    if (word.starts_with("--")) {
      find_optional_values(root, std::string_view(word).substr(0, equals), found);
    }
    const std::string value = equals == std::string::npos ? "-" : word.substr(equals + 1);
    for (Option::State* option : found) (void)store_values(*option, {value});
    words.push_back(found.empty() ? std::move(word) : word.substr(0, equals));
  }
  return words;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

Parsed parse_command_line(Command::State& root, int argc, char** argv) {
  CLI::App app(root.help, root.name);
  Builder builder;
  builder.fill(app, root, "");
  try {
    std::vector<std::string> words = prepare_words(root, argc, argv);
    std::ranges::reverse(words);  // as CLI11 wants them
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    Parsed parsed = builder.named();
    parsed.what = Parsed::What::kHelp;
    parsed.help = app.help();
    return parsed;
  } catch (const CLI::ParseError& error) {
    const std::string path = builder.named().path;
    throw usage_error(first_line(error.what()) + " (see " + root.name +
                      (path.empty() ? "" : ' ' + path) + " --help)");
  }
  return builder.named();
}

}  // namespace stateutils::core
