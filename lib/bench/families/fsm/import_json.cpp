#include <algorithm>
#include <map>
#include <set>

#include "bench/families/fsm/automaton.hpp"
#include "bench/families/fsm/fsm_model.hpp"
#include "bench/learn/fit.hpp"
#include "bench/learn/model.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

using Signature = std::map<std::string, std::string>;  // variable -> its first value, as JSON

std::string text_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

// What a variable of this type holds when its page is entered.
std::string first_value(const Cursor& type) {
  if (type.is_object()) {
    if (const auto initial = type.find("default")) return canonical(initial->element());
    return first_value(type.at("type"));
  }
  if (type.is_array()) {  // an enumeration
    std::string first;
    type.items([&](const Cursor& v) {
      if (first.empty()) first = canonical(v.element());
    });
    if (first.empty()) throw type.error("an enumeration needs values");
    return first;
  }
  const std::string_view name = type.string();
  if (name == "boolean" || name == "bool") return "false";
  if (name == "integer" || name == "int" || name == "number") return "0";
  if (name == "string" || name == "text" || name == "enum") return "\"\"";
  if (name == "array" || name == "list") return "[]";
  if (name == "object" || name == "null") return "null";
  throw type.error("unknown type " + core::quoted(name));
}

std::string variable(const Cursor& path) {
  const std::string_view text = path.string();
  if (!text.starts_with("$.") || text.size() < 3) throw path.error("a path starts with $.");
  return std::string(text.substr(2));
}

class WebWorld {
 public:
  explicit WebWorld(const Cursor& root) : root_(root) {}

  FsmModel read() {
    const Cursor meta = root_.at("meta"), pages = root_.at("pages");
    if (const auto theme = meta.find("theme")) model_.name = std::string(theme->string());
    pages.items([&](const Cursor& page) { read_page(page); });
    const Cursor start = meta.at("initial_page_id");
    const std::string first(start.string());
    if (!signatures_.contains(first)) throw start.error("no page " + core::quoted(first));
    model_.initial = signatures_.at(first);
    model_.initial["page"] = text_json(first);
    meta.at("terminal_pages").items([&](const Cursor& page) {
      const std::string id(page.string());
      if (!signatures_.contains(id)) throw page.error("no page " + core::quoted(id));
      model_.goals.push_back(id);
    });
    pages.items([&](const Cursor& page) {
      if (const auto actions = page.find("actions")) {
        const std::string id(page.at("id").string());
        actions->items([&](const Cursor& action) { read_action(action, id); });
      }
    });
    return std::move(model_);
  }

 private:
  void read_page(const Cursor& page) {
    const Cursor id = page.at("id");
    Signature signature;
    if (const auto schema = page.find("signature_schema")) {
      schema->members([&](std::string_view name, const Cursor& type) {
        if (name == "page") throw type.error("a variable cannot have this name");
        signature[std::string(name)] = first_value(type);
      });
    }
    if (!signatures_.emplace(id.string(), std::move(signature)).second) {
      throw id.error("page " + core::quoted(id.string()) + " stands twice");
    }
    model_.places.emplace_back(id.string());
  }

  // Navigation drops what the next page does not know and adds what only it knows; any other
  // action keeps the page.
  void read_action(const Cursor& json, const std::string& page) {
    FsmAction action;
    const Cursor id = json.at("id");
    action.command = std::string(id.string());
    const bool plain = !action.command.empty() && !action.command.starts_with("-") &&
                       action.command != "done" &&
                       action.command.find_first_of(" \t\n\"'\\") == std::string::npos;
    if (!plain) throw id.error("an action's id must be one plain word");
    if (!commands_.insert(action.command).second) {
      throw id.error("action " + core::quoted(action.command) +
                     " stands twice: which one is meant would be open");
    }
    if (const auto from = json.find("from"); from && from->string() != page) {
      throw from->error("an action starts on its own page");
    }
    if (const auto parameters = json.find("parameters"); parameters && parameters->size() > 0) {
      throw parameters->error("parameters are not read: give one action per value");
    }
    action.guards.push_back({"page", "eq", text_json(page)});
    if (const auto guards = json.find("preconditions")) {
      guards->items([&](const Cursor& g) { read_guard(g, action); });
    }
    std::map<std::string, std::string> values;
    if (const auto effects = json.find("effects")) {
      effects->items([&](const Cursor& e) { read_effect(e, values); });
    }
    const auto navigation = json.find("is_navigation");
    const std::string to =
        navigation && navigation->boolean() ? std::string(json.at("to").string()) : page;
    if (!signatures_.contains(to)) throw json.at("to").error("no page " + core::quoted(to));
    navigate(page, to, values, action);
    model_.actions.push_back(std::move(action));
  }

  void navigate(const std::string& from, const std::string& to,
                const std::map<std::string, std::string>& values, FsmAction& action) const {
    const Signature &old = signatures_.at(from), &next = signatures_.at(to);
    if (from != to) {
      action.set.emplace_back("page", text_json(to));
      for (const auto& [name, value] : old) {
        if (!next.contains(name)) action.clear.push_back(name);
      }
      for (const auto& [name, value] : next) {
        if (!old.contains(name) && !values.contains(name)) action.set.emplace_back(name, value);
      }
    }
    for (const auto& [name, value] : values) {
      if (next.contains(name)) action.set.emplace_back(name, value);
    }
  }

  static void read_guard(const Cursor& json, FsmAction& action) {
    FsmGuard guard{variable(json.at("path")), std::string(json.at("cond").string()), ""};
    if (const auto value = json.find("value")) guard.value = canonical(value->element());
    action.guards.push_back(std::move(guard));
  }

  static void read_effect(const Cursor& json, std::map<std::string, std::string>& values) {
    const Cursor op = json.at("op");
    if (op.string() != "set") {
      throw op.error("unknown effect " + core::quoted(op.string()) + "; set is read");
    }
    values[variable(json.at("path"))] = canonical(json.at("value").element());
  }

  const Cursor& root_;
  FsmModel model_;
  std::map<std::string, Signature> signatures_;
  std::set<std::string> commands_;
};

class GraphWalkerModel {
 public:
  explicit GraphWalkerModel(const Cursor& model) : json_(model) {}

  Automaton read() {
    if (const auto name = json_.find("name")) out_.name = std::string(name->string());
    json_.at("vertices").items([&](const Cursor& v) {
      const std::string id(v.at("id").string());
      if (!index_.try_emplace(id, out_.states.size()).second) {
        throw v.error("vertex " + core::quoted(id) + " stands twice");
      }
      out_.states.push_back(unique_name(v, id));
      out_.accepting.push_back(true);
    });
    if (out_.states.empty()) throw json_.at("vertices").error("holds no vertices");
    std::string start;
    if (const auto element = json_.find("startElementId")) start = std::string(element->string());
    if (const auto at = index_.find(start); at != index_.end()) {
      out_.initial = static_cast<std::uint32_t>(at->second);
    }
    const Cursor edges = json_.at("edges");
    edges.items([&](const Cursor& e) { note_input(e); });
    out_.cells.resize(out_.states.size() * out_.inputs.size());
    edges.items([&](const Cursor& e) { read_edge(e, start); });
    // Vertices that lead nowhere are the ends; where there are none, every vertex is one.
    std::vector<bool> ends(out_.states.size());
    for (std::size_t s = 0; s < ends.size(); ++s) {
      ends[s] = true;
      for (std::size_t i = 0; i < out_.inputs.size(); ++i) {
        if (out_.at(s, i).target != Automaton::kNowhere) ends[s] = false;
      }
    }
    if (std::find(ends.begin(), ends.end(), true) != ends.end()) out_.accepting = ends;
    return std::move(out_);
  }

 private:
  std::string unique_name(const Cursor& json, const std::string& id) {
    const auto name = json.find("name");
    std::string text = name ? std::string(name->string()) : id;
    if (text.empty() || !names_.insert(text).second) text = id;
    return text;
  }

  [[nodiscard]] static std::string input_of(const Cursor& edge) {
    const auto name = edge.find("name");
    const std::string text = name ? std::string(name->string()) : std::string();
    return text.empty() ? std::string(edge.at("id").string()) : text;
  }

  void note_input(const Cursor& edge) {
    for (const char* key : {"guard", "actions"}) {
      const auto script = edge.find(key);
      const bool empty = !script || script->is_null() ||
                         (script->is_array() && script->size() == 0) ||
                         (script->is_string() && script->string().empty());
      if (!empty) throw script->error("scripts are not read: unfold the model first");
    }
    if (!edge.find("sourceVertexId") || edge.at("sourceVertexId").is_null()) return;
    const std::string input = input_of(edge);
    if (inputs_.try_emplace(input, out_.inputs.size()).second) out_.inputs.push_back(input);
  }

  [[nodiscard]] std::size_t vertex(const Cursor& id) const {
    const auto found = index_.find(std::string(id.string()));
    if (found == index_.end()) throw id.error("no vertex " + core::quoted(id.string()));
    return found->second;
  }

  void read_edge(const Cursor& edge, const std::string& start) {
    const std::size_t to = vertex(edge.at("targetVertexId"));
    const auto source = edge.find("sourceVertexId");
    if (edge.find("id") && edge.at("id").string() == start) {
      out_.initial = static_cast<std::uint32_t>(to);
    }
    if (!source || source->is_null()) return;
    auto& cell = out_.cells[vertex(*source) * out_.inputs.size() + inputs_.at(input_of(edge))];
    if (cell.target != Automaton::kNowhere) {
      throw edge.error("its vertex has two edges named " + core::quoted(input_of(edge)));
    }
    cell.target = static_cast<std::uint32_t>(to);
  }

  const Cursor& json_;
  Automaton out_;
  std::map<std::string, std::size_t> index_, inputs_;
  std::set<std::string> names_;
};

Automaton from_machine(const StateMachine& m) {
  Automaton a;
  a.name = "learned";
  a.initial = m.initial;
  for (std::uint32_t s = 0; s < m.states; ++s) {
    a.states.push_back("s" + std::to_string(s));
    a.accepting.push_back(m.accept[s] != 0);
  }
  for (std::uint32_t i = 0; i < m.alphabet; ++i) {
    a.inputs.push_back(i < m.symbol_names.size() ? m.symbol_names[i] : std::to_string(i));
  }
  for (const std::int32_t to : m.delta) {
    a.cells.push_back({to < 0 ? Automaton::kNowhere : static_cast<std::uint32_t>(to), ""});
  }
  return a;
}

}  // namespace

FsmImport import_autowebworld(const Document& document) {
  const Cursor root = document.root();
  return {WebWorld(root).read(), ""};
}

FsmImport import_graphwalker(const Document& document) {
  const Cursor root = document.root(), models = root.at("models");
  std::vector<Automaton> all;
  models.items([&](const Cursor& model) { all.push_back(GraphWalkerModel(model).read()); });
  if (all.size() != 1) throw models.error("one model is read at a time");
  return {automaton_model(all.front()), automaton_facts(all.front())};
}

FsmImport import_abbadingo(const std::string& text, const std::string& file) {
  StateMachine machine;
  if (text.find_first_not_of(" \t\r\n") != std::string::npos &&
      text[text.find_first_not_of(" \t\r\n")] == '{') {
    const Document document{text, file, false};
    machine = read_state_machine(document.root());
  } else {
    const auto source = core::memory_input(text, file);
    FitOptions options;
    options.score = MergeScore::kEdsm;
    machine = fit(read_abbadingo(*source, true), options);
  }
  const Automaton automaton = from_machine(machine);
  return {automaton_model(automaton), automaton_facts(automaton)};
}

}  // namespace stateutils::bench
