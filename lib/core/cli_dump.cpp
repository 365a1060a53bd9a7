// The option tree as JSON, and the shell completions made from it.
#include "core/cli_table.hpp"
#include "core/json_writer.hpp"

namespace stateutils::core {
namespace {

void dump_option(JsonWriter& json, const Option::State& option) {
  json.begin_object().key("names").begin_array();
  for (const std::string& name : option.names) json.value(name);
  for (const std::string& name : option.negations) json.value(name);
  json.end_array();
  json.field("type", is_flag(option) ? std::string("FLAG") : type_name(option));
  json.field("default", option.default_text).field("range", range_text(option));
  json.field("required", option.required).field("hidden", option.hidden);
  json.field("common", option.common).field("help", option.help).end_object();
}

void dump_command(JsonWriter& json, const Command::State& command) {
  json.begin_object().field("name", command.name).field("help", command.help);
  json.field("hidden", command.hidden).key("options").begin_array();
  for (const auto& option : command.options) dump_option(json, *option);
  json.end_array().key("subcommands").begin_array();
  for (const auto& child : command.subcommands) dump_command(json, *child);
  json.end_array().end_object();
}

// Words that may follow the command: its subcommands and option names.
std::string words_of(const Command::State& command) {
  std::string words;
  for (const auto& child : command.subcommands) {
    if (!child->hidden) words += child->name + ' ';
  }
  for (const auto& option : command.options) {
    if (option->hidden || option->positional()) continue;
    for (const std::string& name : option->names) words += name + ' ';
    for (const std::string& name : option->negations) words += name + ' ';
  }
  return words + "--help";
}

// "case" arms that map the path of commands typed so far to the words that may follow.
void bash_arms(const Command::State& command, const std::string& path, std::string& out) {
  out += "    '" + path + "') words='" + words_of(command) + "' ;;\n";
  for (const auto& option : command.options) {
    if (option->hidden || option->choices.empty()) continue;
    std::string choices;
    for (const std::string& choice : option->choices) choices += choice + ' ';
    out += "    '" + path + ' ' + option->long_name() + "') words='" + choices + "' ;;\n";
  }
  for (const auto& child : command.subcommands) {
    if (!child->hidden) bash_arms(*child, path + ' ' + child->name, out);
  }
}

void subcommand_names(const Command::State& command, std::string& out) {
  for (const auto& child : command.subcommands) {
    out += '|' + child->name;
    subcommand_names(*child, out);
  }
}

std::string bash_script(const Command::State& root) {
  std::string function = "_" + root.name;
  for (char& c : function) c = c == '-' ? '_' : c;
  std::string names = "no-such-word";
  subcommand_names(root, names);
  std::string out = "# bash completion for " + root.name + "\n" + function +
                    "() {\n  local path=" + root.name +
                    " words='' word current=${COMP_WORDS[COMP_CWORD]} previous=''\n"
                    "  [ \"$COMP_CWORD\" -gt 1 ] && previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                    "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case $word in " +
                    names +
                    ") path=\"$path $word\" ;; esac\n  done\n"
                    "  case \"$path $previous\" in\n";
  bash_arms(root, root.name, out);
  out += "  esac\n  if [ -z \"$words\" ]; then\n    case \"$path\" in\n";
  bash_arms(root, root.name, out);
  out +=
      "    esac\n  fi\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\"; "
      "compgen -f -- \"$current\")\n}\n"
      "complete -o filenames -F " +
      function + ' ' + root.name + '\n';
  return out;
}

}  // namespace

std::string dump_cli(const Command::State& root) {
  std::string text;
  JsonWriter json(text);
  dump_command(json, root);
  return text + '\n';
}

std::string completion_script(const Command::State& root, const std::string& shell) {
  if (shell == "zsh") {
    return "#compdef " + root.name + "\nautoload -U +X bashcompinit && bashcompinit\n" +
           bash_script(root);
  }
  return bash_script(root);
}

}  // namespace stateutils::core
