// Harbor and terminal-bench: a folder per task, judged inside its container.
#include "bench/export/form_parts.hpp"
#include "core/json_writer.hpp"

namespace stateutils::bench {
namespace {

class Harbor : public ExportForm {
 public:
  bool add(const ExportTask& task, Store&, ExportFiles& files, std::string&) override {
    const std::string folder = task.task.id + "/";
    files[folder + "task.toml"] = {settings(task), false};
    files[folder + "instruction.md"] = {instruction_text(task), false};
    files[folder + "environment/Dockerfile"] = {dockerfile(task), false};
    files[folder + "environment/world.json"] = {task.world + "\n", false};
    files[folder + "tests/task.json"] = {task.judged + "\n", false};
    files[folder + "tests/test.sh"] = {
        judge_script("echo 1 >\"$logs/reward.txt\"", "echo 0 >\"$logs/reward.txt\""), true};
    files[folder + "solution/solve.sh"] = {
        "#!/bin/sh\n# " + task.canary + "\n" + plan_script(task.task.reference.front()), true};
    return true;
  }
  void finish(ExportFiles& files) override { files["README.md"] = {readme("Harbor"), false}; }
  [[nodiscard]] std::string binary_folder(const std::string& id) const override {
    return id + "/environment";
  }

 private:
  static std::string settings(const ExportTask& task) {
    const Limits& limits = task.task.limits;
    const auto seconds = [](std::int64_t ms) { return std::to_string((ms + 999) / 1000) + ".0"; };
    std::string tags;
    for (const std::string& tag : task.task.tags) {
      tags += (tags.empty() ? "" : ", ") + quoted_text(tag);
    }
    return "schema_version = \"1.0\"\n\n[task]\nname = " +
           quoted_text("gen-bench/" + task.task.id) +
           "\n\n[metadata]\ncategory = " + quoted_text(task.task.ability) +
           "\nscenario = " + quoted_text(task.task.scenario) + "\ntags = [" + tags +
           "]\ncanary = " + quoted_text(task.canary) +
           "\n\n[verifier]\ntimeout_sec = 60.0\n\n[agent]\ntimeout_sec = " +
           seconds(limits.episode_timeout_ms) +
           "\n\n[environment]\nbuild_timeout_sec = 600.0\ncpus = 1\nmemory_mb "
           "= 1024\n"
           "storage_mb = 1024\n";
  }
};

class TerminalBench : public ExportForm {
 public:
  bool add(const ExportTask& task, Store&, ExportFiles& files, std::string&) override {
    const std::string folder = task.task.id + "/";
    files[folder + "task.yaml"] = {settings(task), false};
    files[folder + "Dockerfile"] = {dockerfile(task), false};
    files[folder + "world.json"] = {task.world + "\n", false};
    files[folder + "docker-compose.yaml"] = {kCompose, false};
    files[folder + "tests/task.json"] = {task.judged + "\n", false};
    // The short summary that the harness's pytest parser reads.
    static constexpr const char* kSummary =
        "printf '=========== short test summary info ===========\\n%s "
        "test_outputs.py::test_final_state\\n' ";
    files[folder + "run-tests.sh"] = {
        judge_script(std::string(kSummary) + "PASSED", std::string(kSummary) + "FAILED"), true};
    files[folder + "solution.sh"] = {
        "#!/bin/sh\n# " + task.canary + "\n" + plan_script(task.task.reference.front()), true};
    return true;
  }
  void finish(ExportFiles& files) override {
    files["README.md"] = {readme("terminal-bench"), false};
  }
  [[nodiscard]] std::string binary_folder(const std::string& id) const override { return id; }

 private:
  static constexpr const char* kCompose = R"(services:
  client:
    build:
      dockerfile: Dockerfile
    image: ${T_BENCH_TASK_DOCKER_CLIENT_IMAGE_NAME}
    container_name: ${T_BENCH_TASK_DOCKER_CLIENT_CONTAINER_NAME}
    command: ["sh", "-c", "sleep infinity"]
    environment:
      - TEST_DIR=${T_BENCH_TEST_DIR}
    volumes:
      - ${T_BENCH_TASK_LOGS_PATH}:${T_BENCH_CONTAINER_LOGS_PATH}
)";

  static std::string settings(const ExportTask& task) {
    std::string tags;
    for (const std::string& tag : task.task.tags) tags += "\n  - " + quoted_text(tag);
    return "# " + task.canary + "\ninstruction: " + quoted_text(instruction_text(task)) +
           "\nauthor_name: gen-bench\ndifficulty: medium\ncategory: " +
           quoted_text(task.task.ability) + "\ntags:" + (tags.empty() ? " []" : tags) +
           "\nparser_name: pytest\nmax_agent_timeout_sec: " +
           std::to_string((task.task.limits.episode_timeout_ms + 999) / 1000) +
           "\nmax_test_timeout_sec: 60\nrun_tests_in_same_shell: false\n";
  }
};

}  // namespace

std::string quoted_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);  // the escapes of JSON are escapes of both
  for (std::size_t at = out.find('\x7f'); at != std::string::npos; at = out.find('\x7f')) {
    out.replace(at, 1, "\\u007f");
  }
  return out;
}

std::string instruction_text(const ExportTask& task) {
  std::string out = task.task.instruction + "\n\nThese commands are there (most take options):\n\n";
  for (const Verb& verb : task.task.world->verbs) {
    out += "    " + verb.name;
    for (const Param& p : verb.params) {
      out += p.optional ? " [" + p.flag + " VALUE]" : " " + p.flag + " VALUE";
    }
    out += "\n";
  }
  return out +
         "\nGive an answer, where one is asked for, with: gb-done '\"the "
         "answer\"'\n";
}

std::string dockerfile(const ExportTask& task) {
  std::string links;
  for (const std::string& name : task.commands) {
    links += " \\\n && ln -s gen-bench /usr/local/bin/" + name;
  }
  return "# " + task.canary +
         "\nFROM debian:12-slim\n"
         "RUN apt-get update && apt-get install -y --no-install-recommends "
         "libssl3 libsimdjson14 "
         "libutf8proc2 libgomp1 libxxhash0 libzstd1 libre2-9 && rm -rf "
         "/var/lib/apt/lists/*\n"
         "COPY gen-bench /usr/local/bin/gen-bench\n"
         "COPY world.json /opt/gen-bench/world.json\n"
         "ENV GEN_BENCH_WORLD=/opt/gen-bench/world.json "
         "GEN_BENCH_STATE=/var/lib/gen-bench\n"
         "RUN chmod 755 /usr/local/bin/gen-bench" +
         links +
         " \\\n && gen-bench world-exec gb-init\n"
         "WORKDIR /root\n";
}

std::string judge_script(const std::string& pass, const std::string& fail) {
  return R"sh(#!/bin/sh
# GEN_BENCH_STATE is where the container keeps the state; the other two have the harness's places.
state=${GEN_BENCH_STATE:-/var/lib/gen-bench}
tests=${TEST_DIR:-$(cd "$(dirname "$0")" && pwd)}
[ -e "$tests/task.json" ] || tests=$tests/tests
logs=${GEN_BENCH_LOGS:-/logs/verifier}
mkdir -p "$logs"
[ -e "$state/state.json" ] || gen-bench world-exec gb-init
set -- --task "$tests/task.json" --state "$state" --output "$logs/verdict.json"
[ ! -e "$state/answer.json" ] || set -- "$@" --answer "$(cat "$state/answer.json")"
if gen-bench judge "$@"; then
  )sh" + pass +
         "\nelse\n  " + fail + "\nfi\n";
}

std::string readme(const std::string& form) {
  return "# gen-bench tasks in the form of " + form +
         "\n\nThe judge is `gen-bench judge`; solutions and contracts are for "
         "the harness alone.\n\n"
         "Inside a container the state lies in /var/lib/gen-bench, where an "
         "agent can write it as "
         "anything else: a harness that does not trust its agents runs them "
         "with `gen-bench run "
         "--surface shell`, which keeps state and journal outside the "
         "sandbox.\n";
}

std::unique_ptr<ExportForm> harbor_form() {
  return std::make_unique<Harbor>();
}

std::unique_ptr<ExportForm> terminal_bench_form() {
  return std::make_unique<TerminalBench>();
}

}  // namespace stateutils::bench
