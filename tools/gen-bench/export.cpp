#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "bench/export/forms.hpp"
#include "bench/export/selftest.hpp"
#include "commands.hpp"
#include "core/output_file.hpp"
#include "streams.hpp"

namespace stateutils::tools {
namespace {

namespace fs = std::filesystem;

struct ExportOptions {
  std::string to, folder, input = "-", shared_base;
  bool selftest = false;
};

void write_files(const bench::ExportFiles& files, const std::string& folder) {
  for (const auto& [name, file] : files) {
    const std::string path = folder + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    core::OutputFile out(path, {.sync = false, .replace = false});
    out.write(file.text);
    out.commit();
    if (file.script) ::chmod(path.c_str(), 0755);
  }
}

// One copy of this program, linked into every build context.
void place_binary(const std::vector<std::string>& folders, const std::string& root) {
  std::string first;
  for (const std::string& folder : folders) {
    const std::string path = root + "/" + folder + "/gen-bench";
    if (first.empty()) {
      fs::copy_file("/proc/self/exe", path);
      ::chmod(path.c_str(), 0755);
      first = path;
      continue;
    }
    std::error_code failed;
    fs::create_hard_link(first, path, failed);
    if (failed) fs::copy_file(first, path);
  }
}

// Writes all tasks, then reads the stream's tasks again for the self-test.
class Exporter {
 public:
  Exporter(const ExportOptions& o, core::Io& io) : o_(o), io_(io), form_(bench::make_form(o.to)) {
    add_shared_base(library_, o.shared_base);
  }

  int run() {
    const auto source = io_.open_input(o_.input);
    core::JsonlReader reader(*source, {.format = "tasks"});
    core::OutputFolder folder(o_.folder, {.sync = io_.sync, .replace = false});
    bench::ExportFiles files;
    std::vector<std::string> kept, binaries;
    std::uint64_t refused = 0;
    while (const core::Record* record = reader.next()) {
      const RecordCursor at(*record);
      const bench::Task& task = library_.read(at.cursor());
      if (task.world == nullptr) throw record->error("a task without a world cannot be exported");
      if (bench::is_code_family(task.family) != (o_.to == "swe")) {
        refuse(task, o_.to == "swe" ? "swe carries programs" : "programs go to swe", refused);
        continue;
      }
      const bench::ExportTask out = export_task(task, bench::TaskRecord(record->raw()));
      std::string why;
      if (!form_->add(out, library_.store(), files, why)) {
        refuse(task, why, refused);
        continue;
      }
      write_files(files, folder.temporary());
      files.clear();
      if (const std::string place = form_->binary_folder(task.id); !place.empty()) {
        binaries.push_back(place);
      }
      ++exported_;
      if (o_.selftest) kept.emplace_back(record->text());
    }
    form_->finish(files);
    write_files(files, folder.temporary());
    place_binary(binaries, folder.temporary());
    bench::SelfTest test;
    if (o_.selftest) self_test(kept, folder.temporary(), test);
    folder.commit();
    summarize(io_, o_.folder,
              {{"tasks", exported_},
               {"refused", refused},
               {"runs", test.runs},
               {"passed", test.passed},
               {"differences", test.differences.size()}});
    if (o_.selftest && !io_.quiet) {
      io_.log.info(std::to_string(test.runs) + " plans on " + std::to_string(test.tasks) +
                   " tasks, " + std::to_string(test.differences.size()) + " verdicts differ");
    }
    return test.differences.empty() ? 0 : 1;
  }

 private:
  void refuse(const bench::Task& task, const std::string& why, std::uint64_t& refused) {
    ++refused;
    if (!io_.quiet) io_.log.warn(task.id + " is left out: " + why);
  }

  void self_test(const std::vector<std::string>& tasks, const std::string& folder,
                 bench::SelfTest& test) {
    bench::ExportChecker checker(o_.to, folder);
    for (const std::string& text : tasks) {
      const bench::Document document{text, "task", false};
      const bench::Task& task = library_.read(document.root());
      const simdjson::dom::object object = document.root().element();
      checker.check(export_task(task, bench::TaskRecord(object)), library_.store(), test);
    }
    for (const std::string& difference : test.differences) {
      io_.log.warn("another verdict: " + difference);
    }
  }

  const ExportOptions& o_;
  core::Io& io_;
  std::unique_ptr<bench::ExportForm> form_;
  bench::Library library_;
  std::uint64_t exported_ = 0;
};

}  // namespace

void register_export(core::Tool& tool) {
  auto o = std::make_shared<ExportOptions>();
  auto cmd = tool.subcommand("export", "tasks in the forms of other harnesses");
  cmd.option("--to", &o->to, "the harness")
      .one_of({"harbor", "terminal-bench", "tau2", "inspect", "swe"})
      .required();
  cmd.option("DIR", &o->folder, "where they go; must not exist").value_name("DIR").required();
  cmd.option("TASKS", &o->input, "solved task records; - is stdin").value_name("TASKS");
  shared_base_option(cmd, o->shared_base);
  cmd.option("--selftest", &o->selftest,
             "run reference, nothing and ten wrong plans per task through the exported scripts; "
             "exit 1 when a verdict differs from ours");
  cmd.run([o](core::Io& io) { return Exporter(*o, io).run(); });
}

}  // namespace stateutils::tools
