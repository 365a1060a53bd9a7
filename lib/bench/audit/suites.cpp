// Suites of other makers: tau2 task files, Harbor folders, and judges behind a command.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "bench/audit/audit.hpp"
#include "bench/world/text.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/output.hpp"
#include "core/signals.hpp"
#include "core/subprocess.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxSuiteFile = 256u << 20;
constexpr std::int64_t kJudgeMs = 120'000;

std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    out.push_back(std::move(line));
    at = end + 1;
  }
  return out;
}

// The decorator's kind holds for the next `def`; TRANSFER is no member that writes.
ToolKinds kinds_in_python(const std::string& text) {
  ToolKinds out;
  bool marked = false, writes = false;
  for (const std::string& line : lines_in(text)) {
    static constexpr std::string_view kMark = "@is_tool(ToolType.", kDef = "def ";
    const std::size_t mark = line.find(kMark), start = line.find_first_not_of(" \t");
    if (mark != std::string::npos) {
      marked = true;
      writes = line.compare(mark + kMark.size(), 5, "WRITE") == 0;
    } else if (marked && start != std::string::npos && line.compare(start, 4, kDef) == 0) {
      out[line.substr(start + 4, line.find('(') - start - 4)] = writes;
      marked = false;
    }
  }
  return out;
}

// The action with its last argument made another value.
std::vector<std::string> perturbed_action(const Cursor& action) {
  const auto arguments = action.find("arguments");
  if (!arguments || !arguments->is_object() || arguments->size() == 0) return {};
  std::string last, out;
  arguments->members([&](std::string_view name, const Cursor& value) {
    const simdjson::dom::element e = value.element();
    if (e.is_string() || e.is_int64()) last = std::string(name);
  });
  if (last.empty()) return {};
  out = "{\"arguments\":{";
  bool first = true;
  arguments->members([&](std::string_view name, const Cursor& value) {
    if (!first) out.push_back(',');
    first = false;
    append_json_string(out, name);
    out.push_back(':');
    if (name != last) {
      out += canonical(value.element());
    } else if (value.is_string()) {
      append_json_string(out, std::string(value.string()) + "_2");
    } else {
      out += std::to_string(value.integer() + 1);
    }
  });
  out += "},\"name\":";
  append_json_string(out, action.at("name").string());
  return {out + "}"};
}

AuditTask tau2_task(const Cursor& json, const ToolKinds& kinds) {
  AuditTask task;
  task.id = json.at("id").is_string() ? std::string(json.at("id").string())
                                      : canonical(json.at("id").element());
  const auto criteria = json.find("evaluation_criteria");
  if (!criteria || criteria->is_null()) return task;
  std::vector<AuditStep> plan;
  const auto actions = criteria->find("actions");
  if (actions && actions->is_array()) {
    actions->items([&](const Cursor& action) {
      AuditStep step{canonical(action.element()), {}, perturbed_action(action)};
      const auto kind = kinds.find(std::string(action.at("name").string()));
      if (kind != kinds.end()) step.writes = kind->second;
      plan.push_back(std::move(step));
    });
  }
  const auto filled = [&](std::string_view key) {
    const auto list = criteria->find(key);
    return list && list->is_array() && list->size() > 0;
  };
  // What an idle agent gets on each basis: DB, the untouched data base is the right one when no
  // action writes; COMMUNICATE, right when there is nothing to say; ACTION, when none is asked for.
  std::optional<bool> passes = true;
  const auto also = [&](std::optional<bool> more) {
    if (passes == false || more == false) {
      passes = false;
    } else if (!more) {
      passes.reset();
    }
  };
  bool database = false;
  const auto basis = criteria->find("reward_basis");
  if (!basis || !basis->is_array()) return task;
  basis->items([&](const Cursor& b) {
    const std::string_view name = b.string();
    if (name == "DB") {
      database = true;
      const bool writes = std::any_of(plan.begin(), plan.end(),
                                      [](const AuditStep& s) { return s.writes == true; });
      const bool known = std::all_of(plan.begin(), plan.end(),
                                     [](const AuditStep& s) { return s.writes.has_value(); });
      also(writes ? std::optional<bool>(false) : known ? std::optional<bool>(true) : std::nullopt);
    } else if (name == "COMMUNICATE") {
      also(!filled("communicate_info"));
    } else if (name == "ACTION") {
      also(plan.empty());
    } else {
      also(std::nullopt);  // assertions about the run: only running tells
    }
  });
  task.plan = std::move(plan);
  task.noop_pass = passes;
  if (passes) task.noop_partial = *passes ? 1 : 0;  // rewards are products of zeros and ones
  if (database) task.count_only = false;
  return task;
}

std::vector<std::string> perturbed_line(const std::vector<std::string>& words) {
  if (words.size() < 2) return {};
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    out += (i == 0 ? "" : " ") + quote_word(i + 1 < words.size() ? words[i] : words[i] + " 2");
  }
  return {out};
}

// Lines that do something: no comments, no settings of the shell.
std::vector<AuditStep> script_plan(const std::string& text, const ToolKinds& kinds) {
  std::vector<AuditStep> out;
  for (const std::string& line : lines_in(text)) {
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line[start] == '#' || line.compare(start, 4, "set ") == 0) {
      continue;
    }
    AuditStep step{line, {}, {}};
    std::vector<std::string> words;
    if (split_command(line, words) && !words.empty()) {
      step.perturbed = perturbed_line(words);
      for (const std::string& name :
           {words[0], words.size() > 1 ? words[0] + " " + words[1] : ""}) {
        const auto kind = kinds.find(name);
        if (kind != kinds.end()) step.writes = kind->second;
      }
    }
    out.push_back(std::move(step));
  }
  return out;
}

class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : fd_(::memfd_create(name, MFD_CLOEXEC)) {
    if (!fd_.open()) throw core::environment_error("no memory for the judge's streams");
  }
  void fill(const std::string& text) {
    core::write_fully(fd_.get(), text.data(), text.size(), "judge");
    ::lseek(fd_.get(), 0, SEEK_SET);
  }
  [[nodiscard]] std::string text() const {
    std::string out(1u << 20, '\0');
    const off_t size = ::lseek(fd_.get(), 0, SEEK_END);
    const off_t from = std::max<off_t>(0, size - static_cast<off_t>(out.size()));
    const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), from);
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }
  [[nodiscard]] int get() const { return fd_.get(); }

 private:
  core::Fd fd_;
};

}  // namespace

ToolKinds read_tool_kinds(const std::string& path) {
  const std::string text = core::read_file(path, kMaxSuiteFile);
  ToolKinds out;
  if (path.ends_with(".py")) {
    out = kinds_in_python(text);
  } else {
    const Document document{text, path, false};
    document.root().items([&](const Cursor& tool) {
      const bool writes = tool.at("mutates").boolean();
      out[std::string(tool.at("name").string())] = writes;
      // Exports of ours name tools with underscores; their scripts have the words.
      if (const auto words = tool.find("description")) out[std::string(words->string())] = writes;
    });
  }
  if (out.empty()) throw core::input_error({path}, "names no tool");
  return out;
}

std::vector<AuditTask> read_tau2(const std::string& path, const ToolKinds& kinds) {
  const Document document{core::read_file(path, kMaxSuiteFile), path, false};
  std::vector<AuditTask> out;
  document.root().items([&](const Cursor& task) { out.push_back(tau2_task(task, kinds)); });
  return out;
}

std::vector<AuditTask> read_harbor(const std::string& folder, const ToolKinds& kinds) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (fs::exists(entry.path() / "task.toml")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::vector<AuditTask> out;
  for (const std::string& name : names) {
    AuditTask task;
    task.id = name;
    const std::string script = folder + "/" + name + "/solution/solve.sh";
    if (fs::exists(script)) task.plan = script_plan(core::read_file(script, kMaxSuiteFile), kinds);
    out.push_back(std::move(task));
  }
  return out;
}

SuiteJudge command_judge(const std::string& command) {
  std::vector<std::string> argv;
  if (!split_command(command, argv) || argv.empty()) {
    throw core::usage_error("--judge-cmd names no program");
  }
  auto nursery = std::make_shared<core::Nursery>();
  return [argv, nursery](const std::string& task, const std::string& plan) {
    MemoryFile in("plan"), out("verdict");
    in.fill(plan);
    core::Spawn spawn;
    spawn.argv = argv;
    spawn.argv.push_back(task);
    spawn.descriptors = {{in.get(), 0}, {out.get(), 1}};
    const pid_t child = nursery->start(spawn);
    const std::int64_t deadline = core::now_ms() + kJudgeMs;
    std::optional<int> status;
    while (!(status = nursery->ended(child)) && core::now_ms() < deadline) {
      core::check_stop();
      ::usleep(500);
    }
    (void)nursery->end(child);
    std::string last;
    for (const std::string& line : lines_in(out.text())) {
      if (!line.empty()) last = line;
    }
    const auto score = core::parse_double(last);
    if (!status || core::shell_status(*status) > 1 || !score || *score < 0 || *score > 1) {
      throw core::environment_error("--judge-cmd: " + core::quoted(task) +
                                    " got no score from 0 to 1, but " + core::quoted(last));
    }
    return *score;
  };
}

}  // namespace stateutils::bench
