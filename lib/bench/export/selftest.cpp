#include "bench/export/selftest.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "bench/export/form_parts.hpp"
#include "bench/run/agents.hpp"
#include "bench/world/text.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/jsonl.hpp"
#include "core/output_file.hpp"

namespace stateutils::bench {
namespace {

namespace fs = std::filesystem;

bool verdict_here(const Task& task, Store& store, const Plan& plan) {
  const Judge judge(task.contract, store, task.initial);
  Episode episode(task, store, judge);
  for (const std::string& line : plan) {
    (void)episode.step(line);
    if (episode.done()) break;
  }
  return episode.verdict().strict;
}

// The same command with its first value that is not free changed; empty when it has none.
std::string perturbed(const Task& task, Machine& machine, const std::string& line) {
  Call call;
  std::string error;
  std::vector<std::string> words;
  if (machine.parse(line, call, error) != 0 || !split_command(line, words)) return "";
  for (const Param& p : task.world->verbs[call.verb].params) {
    const auto flag = std::find(words.begin(), words.end(), p.flag);
    if (p.role == Role::kFree || flag == words.end() || std::next(flag) == words.end()) continue;
    std::string& value = *std::next(flag);
    const auto minutes = parse_datetime(value);
    value = minutes ? format_datetime(*minutes + 60) : value + " 2";
    break;
  }
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + quote_word(word);
  return out == line ? "" : out;
}

bool is_write(const Task& task, Machine& machine, const std::string& line) {
  Call call;
  std::string error;
  return machine.parse(line, call, error) == 0 && task.world->verbs[call.verb].mutates();
}

}  // namespace

std::vector<std::pair<std::string, Plan>> wrong_plans(const Task& task, Store& store,
                                                      std::size_t most) {
  const Plan& right = task.reference.front();
  Machine machine(*task.world, store, task.initial);
  std::vector<std::pair<std::string, Plan>> out;
  if (const auto& check = task.contract.options.front().check) {
    for (const FamilyCheck::WrongAnswer& wrong : check->wrong_answers()) {
      if (out.size() < most) out.emplace_back(wrong.op, Plan{"done " + wrong.answer});
    }
    return out;
  }
  const auto add = [&](const char* what, std::size_t i, Plan plan) {
    if (out.size() < most) out.emplace_back(what + (" " + std::to_string(i)), std::move(plan));
  };
  for (std::size_t i = right.size(); i-- > 0;) {
    const bool matters = right[i].starts_with("done") || is_write(task, machine, right[i]);
    if (!matters) continue;
    Plan plan = right;
    plan.erase(plan.begin() + static_cast<std::ptrdiff_t>(i));
    add("drop", i, plan);
    if (!is_write(task, machine, right[i])) continue;
    plan = right;
    plan.insert(plan.begin() + static_cast<std::ptrdiff_t>(i), right[i]);
    add("duplicate", i, plan);
    plan = right;
    plan[i] = perturbed(task, machine, right[i]);
    if (!plan[i].empty()) add("perturb", i, plan);
  }
  for (std::size_t i = 0; i < right.size(); ++i) {
    add("prefix", i, Plan(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(i)));
  }
  for (const Verb& verb : task.world->verbs) {  // one command nobody asked for
    if (!verb.mutates()) continue;
    std::string line = verb.name;
    for (const Param& p : verb.params) {
      const std::string value = !p.values.empty()                ? p.values.back()
                                : p.type == ParamType::kDatetime ? "2026-02-03T11:30Z"
                                : p.type == ParamType::kInteger  ? "4711"
                                                                 : "Plan the picnic";
      line += " " + p.flag + " " + quote_word(value);
    }
    Plan plan = right;
    plan.insert(plan.begin(), line);
    add("extra", 0, plan);
  }
  return out;
}

ExportChecker::ExportChecker(std::string form, std::string folder)
    : form_(std::move(form)), folder_(fs::absolute(folder).string()), room_(scratch_.path()) {
  fs::create_directories(room_ + "/bin");
  fs::create_symlink(fs::read_symlink("/proc/self/exe"), room_ + "/bin/gen-bench");
  environment_ = {"PATH=" + room_ + "/bin:/usr/local/bin:/usr/bin:/bin",
                  "LANG=C.UTF-8",
                  "GEN_BENCH_STATE=" + room_ + "/state",
                  "GEN_BENCH_LOGS=" + room_ + "/logs",
                  "GEN_BENCH_BIN=" + room_ + "/bin",
                  "GEN_BENCH_ROOT=" + room_ + "/root"};
}

void ExportChecker::clear() {
  for (const char* name : {"/state", "/logs", "/root", "/repo"}) fs::remove_all(room_ + name);
}

// Runs a script file by sh; its exit code. What it prints goes to logs/out.
int ExportChecker::shell(const std::string& script) {
  fs::create_directories(room_ + "/logs");
  core::Spawn spawn;
  spawn.argv = {"/bin/sh", "-c", "exec /bin/sh \"$0\" >\"$GEN_BENCH_LOGS/out\" 2>&1 </dev/null",
                script};
  spawn.folder = room_;
  spawn.environment = environment_;
  return run_to_end(nursery_, spawn, script);
}

namespace {

void write_text(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  core::OutputFile out(path, {.sync = false, .replace = true});
  out.write(text);
  out.commit();
}

std::string text_of(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 ? core::read_file(path, 1u << 20) : std::string();
}

}  // namespace

bool ExportChecker::scripted_verdict(const std::string& task_folder, const Plan& plan) {
  const bool harbor = form_ == "harbor";
  const std::string world = task_folder + (harbor ? "/environment/world.json" : "/world.json");
  environment_.resize(6);
  environment_.push_back("GEN_BENCH_WORLD=" + world);
  clear();
  write_text(room_ + "/plan.sh", plan_script(plan));
  (void)shell(room_ + "/plan.sh");
  (void)shell(task_folder + (harbor ? "/tests/test.sh" : "/run-tests.sh"));
  if (harbor) return text_of(room_ + "/logs/reward.txt").starts_with("1");
  return text_of(room_ + "/logs/out").find("PASSED test_outputs.py") != std::string::npos;
}

bool ExportChecker::inspect_verdict(const std::string& task_id, const Plan& plan) {
  const auto source = core::open_input(folder_ + "/samples.jsonl");
  core::JsonlReader reader(*source);
  while (const core::Record* record = reader.next()) {
    if (record->string("id") != task_id) continue;
    environment_.resize(6);
    environment_.push_back("GEN_BENCH_WORLD=" + room_ + "/root/opt/gen-bench/world.json");
    clear();
    for (const auto file : record->object("files")) {
      write_text(room_ + "/root" + std::string(file.key),
                 std::string(record->as_string("files", file.value)));
    }
    write_text(room_ + "/setup.sh", std::string(record->string("setup")));
    if (shell(room_ + "/setup.sh") != 0) return false;
    write_text(room_ + "/plan.sh", plan_script(plan));
    (void)shell(room_ + "/plan.sh");
    write_text(room_ + "/target.json", std::string(record->string("target")));
    write_text(room_ + "/judge.sh",
               "set -- --task target.json --state \"$GEN_BENCH_STATE\"\n"
               "a=$GEN_BENCH_STATE/answer.json\n"
               "[ ! -e \"$a\" ] || set -- \"$@\" --answer \"$(cat \"$a\")\"\n"
               "exec gen-bench judge \"$@\"\n");
    return shell(room_ + "/judge.sh") == 0;
  }
  throw core::input_error({folder_ + "/samples.jsonl"}, "holds no sample " + task_id);
}

// A clone of the instance's branch, the tests laid over it, and the plan's program in its place:
// for the reference by way of `patch`.
bool ExportChecker::swe_verdict(const ExportTask& task, const Plan& plan) {
  const auto source = core::open_input(folder_ + "/instances.jsonl");
  core::JsonlReader reader(*source);
  while (const core::Record* record = reader.next()) {
    if (record->string("instance_id") != task.task.id) continue;
    clear();
    const bool right = plan == task.task.reference.front();
    write_text(room_ + "/test.patch", std::string(record->string("test_patch")));
    write_text(room_ + "/right.patch", std::string(record->string("patch")));
    write_text(room_ + "/clone.sh", "set -e\ngit clone -q -b " + task.task.id + " " +
                                        quote_word(folder_ + "/repos.bundle") +
                                        " repo\ncd repo\n[ \"$(git rev-parse HEAD)\" = " +
                                        std::string(record->string("base_commit")) +
                                        " ]\ngit apply ../test.patch\n" +
                                        (right ? "git apply ../right.patch\n" : ""));
    environment_.resize(6);
    for (const std::string& variable : git_environment(room_)) {
      if (!variable.starts_with("PATH=")) environment_.push_back(variable);
    }
    if (shell(room_ + "/clone.sh") != 0) return false;
    if (!right && !plan.empty() && plan.back().starts_with("done ")) {
      write_text(room_ + "/repo/" + code_file(task.task).path,
                 code_of_answer(plan.back().substr(5)));
    }
    return shell(room_ + "/repo/tests/run.sh") == 0;
  }
  throw core::input_error({folder_ + "/instances.jsonl"}, "holds no instance " + task.task.id);
}

bool ExportChecker::verdict_there(const ExportTask& task, const Plan& plan) {
  if (form_ == "swe") return swe_verdict(task, plan);
  if (form_ == "inspect") return inspect_verdict(task.task.id, plan);
  return scripted_verdict(folder_ + "/" + task.task.id, plan);
}

void ExportChecker::check(const ExportTask& task, Store& store, SelfTest& out) {
  ++out.tasks;
  for (const std::string& name : task.commands) {
    const std::string link = room_ + "/bin/" + name;
    std::error_code ignored;
    if (!fs::is_symlink(link, ignored)) fs::create_symlink("gen-bench", link);
  }
  auto plans = wrong_plans(task.task, store, 10);
  plans.emplace_back("oracle", task.task.reference.front());
  plans.emplace_back("noop", Plan{});
  for (const auto& [name, plan] : plans) {
    ++out.runs;
    const bool here = verdict_here(task.task, store, plan);
    out.passed += here;
    bool there = false;
    if (form_ == "tau2") {
      there = tau2_verdict(task, store, plan, folder_);
    } else {
      there = verdict_there(task, plan);
    }
    if (here != there) out.differences.push_back(task.task.id + ": " + name);
  }
}

}  // namespace stateutils::bench
