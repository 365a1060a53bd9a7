#include "bench/export/local_world.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "bench/task/task.hpp"
#include "bench/world/text.hpp"
#include "core/error.hpp"
#include "core/input.hpp"
#include "core/output.hpp"
#include "core/output_file.hpp"
#include "core/subprocess.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

constexpr std::uint64_t kMaxWorldFile = 64u << 20;

void print(int fd, std::string text) {
  if (!text.empty() && text.back() != '\n') text.push_back('\n');
  core::write_fully(fd, text.data(), text.size(), fd == 1 ? "stdout" : "stderr");
}

void save(const std::string& path, const std::string& text) {
  core::OutputFile out(path, {.sync = false, .replace = true});
  out.write(text);
  out.commit();
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

int run_command(const std::string& world_file, const std::string& folder,
                const std::vector<std::string>& words) {
  const Document document{core::read_file(world_file, kMaxWorldFile), world_file, false};
  Library library;
  const Task& task = library.read(document.root());
  if (task.world == nullptr) throw core::input_error({world_file}, "holds no world");
  Store& store = library.store();
  const std::string file = folder + "/state.json", clock_file = folder + "/clock";
  Id state = task.initial;
  if (exists(file)) {
    const Document current{core::read_file(file, kMaxWorldFile), file, false};
    state = store.read_state(current.root(), store.empty_state());
  }
  std::int64_t clock = 0;
  if (exists(clock_file)) {
    clock = core::parse_i64(core::read_file(clock_file, 64)).value_or(0);
  }
  Result result;
  result.state = state;
  if (words[0] != "gb-init") {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + quote_word(word);
    Machine(*task.world, store, task.initial).run(state, line, clock, result);
    save(clock_file, std::to_string(clock + 1));
  }
  if (result.state != state || !exists(file)) save(file, store.write_state(result.state) + "\n");
  print(1, result.out);
  print(2, result.error);
  return result.exit;
}

}  // namespace

int local_exec(const std::string& world_file, const std::string& folder,
               const std::vector<std::string>& words) {
  ::mkdir(folder.c_str(), 0777);
  // Commands of a pipeline take turns.
  const core::Fd lock(::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock.open() || ::flock(lock.get(), LOCK_EX) != 0) {
    throw core::environment_error(folder + ": cannot be written");
  }
  if (words[0] == "gb-done") {
    save(folder + "/answer.json", words.size() > 1 ? words[1] : "");
    return 0;
  }
  return run_command(world_file, folder, words);
}

int local_world_exec(int argc, char** argv) {
  const char* world = std::getenv(kWorldVariable);
  const char* state = std::getenv(kStateVariable);
  if (argc < 1 || world == nullptr || state == nullptr) return -1;
  std::string_view name(argv[0]);
  name = name.substr(name.rfind('/') + 1);
  std::vector<std::string> words;
  if (name != "gen-bench") {
    words.emplace_back(name);
    words.insert(words.end(), argv + 1, argv + argc);
  } else if (argc > 2 && std::string_view(argv[1]) == "world-exec") {
    words.assign(argv + 2, argv + argc);
  } else {
    return -1;
  }
  try {
    return local_exec(world, state, words);
  } catch (const core::Error& error) {
    print(2, words[0] + ": " + error.what());
    return static_cast<int>(error.category());
  }
}

}  // namespace stateutils::bench
