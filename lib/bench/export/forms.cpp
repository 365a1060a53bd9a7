#include "bench/export/forms.hpp"

#include "bench/export/form_parts.hpp"
#include "bench/families/small/small.hpp"
#include "bench/pack/shipped.hpp"
#include "bench/shell/shell_surface.hpp"
#include "bench/world/text.hpp"
#include "core/error.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

// A copy without the names that start with "_": they would give the kinds away.
void append_public(simdjson::dom::element element, std::string& out) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (element.get(object) == simdjson::SUCCESS) {
    out.push_back('{');
    for (const auto field : object) {
      if (field.key.starts_with('_')) continue;
      if (out.back() != '{') out.push_back(',');
      append_json_string(out, field.key);
      out.push_back(':');
      append_public(field.value, out);
    }
    out.push_back('}');
  } else if (element.get(array) == simdjson::SUCCESS) {
    out.push_back('[');
    for (const simdjson::dom::element item : array) {
      if (out.back() != '[') out.push_back(',');
      append_public(item, out);
    }
    out.push_back(']');
  } else {
    append_canonical(element, out);
  }
}

std::string world_of(const TaskRecord& record, std::string_view family) {
  if (const std::string* carried = record.find("world")) return *carried;
  if (is_code_family(family)) return std::string(family_world(family));
  const std::string* hash = record.find("pack_sha256");
  const ShippedPack* pack =
      hash == nullptr ? nullptr : find_shipped_by_hash(hash->substr(1, hash->size() - 2));
  if (pack == nullptr) {
    throw core::Error(core::Category::kInput, "a task without a world cannot be exported");
  }
  const Document document{std::string(pack->text), std::string(pack->name), true};
  return canonical(document.root().at("world").element());
}

std::string member(const TaskRecord& record, std::string_view key) {
  const std::string* found = record.find(key);
  return found == nullptr ? "null" : *found;
}

}  // namespace

ExportTask export_task(const Task& task, const TaskRecord& record) {
  if (task.id.empty() ||
      task.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
    throw core::Error(core::Category::kInput,
                      "the task id " + core::quoted(task.id) + " names no folder");
  }
  if (task.reference.empty()) {
    throw core::Error(core::Category::kInput, task.id + " has no reference: solve it first");
  }
  ExportTask out{task, {}, {}, record.json(), {}, command_names(*task.world)};
  const std::string world = world_of(record, task.family), init = member(record, "init");
  const Document document{init, task.id, false};
  std::string public_init;
  append_public(document.root().element(), public_init);
  out.world = "{\"contract\":{},\"init\":" + public_init + ",\"task_id\":\"" + task.id +
              "\",\"world\":" + world + "}";
  out.judged = "{\"contract\":" + member(record, "contract") + ",\"init\":" + init +
               ",\"task_id\":\"" + task.id + "\",\"world\":" + world + "}";
  const std::string canary = member(record, "canary");
  if (canary != "null") out.canary = canary.substr(1, canary.size() - 2);
  return out;
}

std::string plan_script(const Plan& plan) {
  std::string out;
  for (const std::string& line : plan) {
    if (line == "done" || line.starts_with("done ")) {
      out += "gb-done" + (line.size() > 5 ? " " + quote_word(line.substr(5)) : "") + "\n";
      continue;
    }
    std::vector<std::string> words;
    std::string quoted;
    if (split_command(line, words)) {
      for (const std::string& word : words)
        quoted += (quoted.empty() ? "" : " ") + quote_word(word);
    }
    out += quoted + "\n";
  }
  return out;
}

std::unique_ptr<ExportForm> make_form(std::string_view name) {
  if (name == "harbor") return harbor_form();
  if (name == "terminal-bench") return terminal_bench_form();
  if (name == "inspect") return inspect_form();
  if (name == "tau2") return tau2_form();
  if (name == "swe") return swe_form();
  throw core::usage_error("unknown form " + core::quoted(name));
}

}  // namespace stateutils::bench
