// SWE instances: code tasks as branches of a git bundle, the reference and the tests as patches.
#include <unistd.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "bench/export/form_parts.hpp"
#include "bench/export/process.hpp"
#include "bench/families/contracts/parallel_check.hpp"
#include "core/dom.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"
#include "core/output_file.hpp"

namespace stateutils::bench {
namespace {

constexpr const char* kDate = "1767225600 +0000";  // 2026-01-01, so that commits have fixed names

std::string with_end(std::string text) {
  if (text.empty() || text.back() != '\n') text.push_back('\n');
  return text;
}

// The lines of a text that ends with a newline, each behind a sign.
std::string signed_lines(char sign, const std::string& text, std::size_t& count) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const std::size_t end = text.find('\n', at) + 1;
    out.push_back(sign);
    out += text.substr(at, end - at);
    at = end;
  }
  return out;
}

std::string added_file(const std::string& path, const std::string& text, const char* mode) {
  std::size_t lines = 0;
  const std::string body = signed_lines('+', text, lines);
  return "diff --git a/" + path + " b/" + path + "\nnew file mode " + mode +
         "\n--- /dev/null\n+++ b/" + path + "\n@@ -0,0 +1," + std::to_string(lines) + " @@\n" +
         body;
}

std::string changed_file(const std::string& path, const std::string& from, const std::string& to) {
  std::size_t old_lines = 0, new_lines = 0;
  const std::string gone = signed_lines('-', from, old_lines),
                    come = signed_lines('+', to, new_lines);
  return "diff --git a/" + path + " b/" + path + "\n--- a/" + path + "\n+++ b/" + path +
         "\n@@ -1," + std::to_string(old_lines) + " +1," + std::to_string(new_lines) + " @@\n" +
         gone + come;
}

std::string test_script(const CodeFile& file) {
  return "#!/bin/sh\n# Exit 0: the program is right. Needs gen-bench" +
         std::string(file.as_text ? " and jq" : "") +
         " on the PATH.\n"
         "here=$(dirname \"$0\")\n"
         "answer=$(" +
         (file.as_text ? "jq -Rs ." : "cat") + " \"$here/../" + file.path +
         "\") || exit 1\n"
         "exec gen-bench judge --task \"$here/task.json\" --state \"$here/state.json\" "
         "--answer \"$answer\"\n";
}

class Swe : public ExportForm {
 public:
  bool add(const ExportTask& task, Store&, ExportFiles&, std::string&) override {
    const CodeFile file = code_file(task.task);
    const std::string right =
        with_end(code_of_answer(task.task.reference.front().back().substr(5)));
    const std::string tests = added_file("tests/run.sh", test_script(file), "100755") +
                              added_file("tests/state.json", "{}\n", "100644") +
                              added_file("tests/task.json", task.record + "\n", "100644");
    commit(task, file);
    std::string rest;
    core::JsonWriter json(rest);
    json.begin_object().field("problem_statement", statement(task, file));
    json.field("patch", changed_file(file.path, file.given, right)).field("test_patch", tests);
    json.key("FAIL_TO_PASS").raw("[\"tests/run.sh\"]").key("PASS_TO_PASS").raw("[]");
    json.field("repo", "repos.bundle").field("canary", task.canary).end_object();
    records_.emplace_back(task.task.id, rest.substr(1));
    return true;
  }

  void finish(ExportFiles& files) override {
    std::string lines;
    if (!records_.empty()) {
      const std::vector<std::string> commits = import(files);
      for (std::size_t i = 0; i < records_.size(); ++i) {
        core::JsonWriter json(lines);
        json.begin_object().field("instance_id", records_[i].first);
        json.field("base_commit", commits[i]);
        lines += "," + records_[i].second + "\n";
      }
    }
    files["instances.jsonl"] = {lines, false};
    files["README.md"] = {
        "# gen-bench tasks as SWE instances\n\n"
        "Each instance is a branch of repos.bundle, named by its id: `git clone -b ID repos.bundle "
        "work`. An agent gets problem_statement and the work tree; then test_patch is applied and "
        "tests/run.sh is run, exit 0 being a pass. It asks gen-bench, which has to be on the PATH, "
        "and jq. test_patch holds the judge's half of the task: keep it from the agent.\n",
        false};
  }

  [[nodiscard]] std::string binary_folder(const std::string&) const override { return ""; }

 private:
  static std::string statement(const ExportTask& task, const CodeFile& file) {
    return task.task.instruction + "\n\nHere the answer is the file " + file.path +
           " at the root of the repository" +
           (file.as_text ? ": the program itself, no JSON string." : ".");
  }

  // One more root commit in the form of git-fast-import(1).
  void commit(const ExportTask& task, const CodeFile& file) {
    const auto data = [](const std::string& text) {
      return "data " + std::to_string(text.size()) + "\n" + text + "\n";
    };
    stream_ += "commit refs/heads/" + task.task.id +
               "\nmark :" + std::to_string(records_.size() + 1) +
               "\ncommitter gen-bench <gen-bench@localhost> " + kDate + "\n" +
               data("State of the task " + task.task.id + "\n") + "M 100644 inline README.md\n" +
               data(with_end(statement(task, file))) + "M 100644 inline " + file.path + "\n" +
               data(file.given);
  }

  // The names of the commits, in order; the bundle goes to the files.
  [[nodiscard]] std::vector<std::string> import(ExportFiles& files) {
    const ScratchFolder scratch;
    core::OutputFile stream(scratch.path() + "/stream", {.sync = false, .replace = true});
    stream.write(stream_);
    stream.commit();
    core::Nursery nursery;
    core::Spawn spawn;
    spawn.argv = {"/bin/sh", "-c",
                  "exec >log 2>&1 </dev/null && git init -q --bare repo && "
                  "git -C repo fast-import --quiet --export-marks=../marks <stream && "
                  "git -C repo -c pack.threads=1 bundle create -q ../bundle --all"};
    spawn.folder = scratch.path();
    spawn.environment = git_environment(scratch.path());
    if (run_to_end(nursery, spawn, "git") != 0) {
      throw core::environment_error(
          "git does not make the bundle: " +
          core::quoted(core::read_file(scratch.path() + "/log", 1u << 16)));
    }
    files["repos.bundle"] = {core::read_file(scratch.path() + "/bundle", 1u << 30), false};
    std::vector<std::string> commits(records_.size());
    std::istringstream marks(core::read_file(scratch.path() + "/marks", 1u << 30));
    std::string mark, hash;
    while (marks >> mark >> hash) {
      const std::size_t at = std::stoul(mark.substr(1));
      if (at >= 1 && at <= commits.size()) commits[at - 1] = hash;
    }
    return commits;
  }

  std::string stream_;
  std::vector<std::pair<std::string, std::string>> records_;  // id, the other members
};

}  // namespace

bool is_code_family(std::string_view family) {
  return family == "contracts" || family == "mpi" || family == "par";
}

std::string code_of_answer(const std::string& answer) {
  simdjson::dom::parser parser;
  std::string_view text;
  if (core::parse_json(parser, answer).get(text) == simdjson::SUCCESS) return std::string(text);
  return answer;
}

CodeFile code_file(const Task& task) {
  if (task.family == "mpi") return {"answer.json", "[]\n", false};
  const std::string program = code_of_answer(task.reference.front().back().substr(5));
  if (task.family == "par") return {"solution.c", with_end(without_directives(program)), true};
  return {"solution.c", program.substr(0, program.find('{')) + "{\n}\n", true};
}

std::unique_ptr<ExportForm> swe_form() {
  return std::make_unique<Swe>();
}

}  // namespace stateutils::bench
