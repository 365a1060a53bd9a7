#include "core/output_file.hpp"

#include <doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/error.hpp"
#include "core/lock.hpp"

using namespace stateutils::core;
namespace fs = std::filesystem;

// The link-time hook of output.cpp: every write and pwrite of this program is short.
namespace stateutils::core {
ssize_t raw_write(int fd, const void* data, std::size_t size) {
  return ::write(fd, data, std::min<std::size_t>(size, 7));
}
}  // namespace stateutils::core

namespace {

struct Scratch {
  fs::path path;
  Scratch() {
    std::string name = (fs::temp_directory_path() / "stateutils-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Scratch() { fs::remove_all(path); }
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (path / name).string();
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), {}));
  }
};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("short writes lose nothing") {
  const Scratch scratch;
  const std::string text(100003, 'x');
  OutputFile file(scratch / "a", {.sync = false});
  file.write(text + "end");
  file.commit();
  CHECK(content(scratch / "a") == text + "end");
}

TEST_CASE("without commit the old file stays and no temporary is left") {
  const Scratch scratch;
  std::ofstream(scratch / "a") << "old";
  {
    OutputFile file(scratch / "a");
    file.write("new");
    file.flush();
    CHECK(scratch.files() == 2);
  }
  CHECK(content(scratch / "a") == "old");
  CHECK(scratch.files() == 1);
}

TEST_CASE("a replaced file keeps its mode, a link stays a link") {
  const Scratch scratch;
  std::ofstream(scratch / "real") << "old";
  ::chmod((scratch / "real").c_str(), 0640);
  fs::create_symlink("real", scratch / "link");
  OutputFile file(scratch / "link");
  file.write("new");
  file.commit();
  CHECK(fs::is_symlink(scratch / "link"));
  CHECK(content(scratch / "real") == "new");
  struct stat found {};
  ::stat((scratch / "real").c_str(), &found);
  CHECK((found.st_mode & 0777) == 0640);
}

TEST_CASE("temporaries of dead processes go, those of live ones stay") {
  const Scratch scratch;
  std::ofstream(scratch / ".a.tmp.2147480000") << "stale";  // above every pid_max
  std::ofstream(scratch / ".a.tmp.1") << "alive";
  std::ofstream(scratch / ".b.tmp.2147480000") << "another file's";
  OutputFile file(scratch / "a");
  file.commit();
  CHECK_FALSE(fs::exists(scratch / ".a.tmp.2147480000"));
  CHECK(fs::exists(scratch / ".a.tmp.1"));
  CHECK(fs::exists(scratch / ".b.tmp.2147480000"));
}

TEST_CASE("a leftover under our own number goes, one that another container's writer holds stays") {
  const Scratch scratch;
  std::ofstream(scratch / (".a.tmp." + std::to_string(::getpid()))) << "stale";
  std::ofstream(scratch / ".a.tmp.2147480000") << "held";
  const FileLock writer(scratch / ".a.tmp.2147480000");
  OutputFile file(scratch / "a");
  file.commit();
  CHECK_FALSE(fs::exists(scratch / (".a.tmp." + std::to_string(::getpid()))));
  CHECK(fs::exists(scratch / ".a.tmp.2147480000"));
}

TEST_CASE("names of 255 bytes work, longer ones are an environment error") {
  const Scratch scratch;
  OutputFile file(scratch / std::string(255, 'n'));
  file.commit();
  CHECK(fs::exists(scratch / std::string(255, 'n')));
  CHECK_THROWS_AS(OutputFile(scratch / std::string(256, 'n')), Error);
}

TEST_CASE("no replacement unless allowed, no folder as a file") {
  const Scratch scratch;
  std::ofstream(scratch / "a") << "old";
  CHECK_THROWS_AS(OutputFile(scratch / "a", {.replace = false}), Error);
  CHECK_THROWS_AS(OutputFile(scratch.path.string()), Error);
}

TEST_CASE("several files appear together") {
  const Scratch scratch;
  std::vector<std::unique_ptr<OutputFile>> files;
  for (const char* name : {"manifest", "shard"}) {
    files.push_back(std::make_unique<OutputFile>(scratch / name));
    files.back()->write(name);
  }
  commit_together(files);
  CHECK(content(scratch / "manifest") == "manifest");
  CHECK(scratch.files() == 2);
}

TEST_CASE("a folder appears whole and replaces a full one") {
  const Scratch scratch;
  fs::create_directory(scratch / "out");
  std::ofstream(scratch / "out/old") << "old";
  CHECK_THROWS_AS(OutputFolder(scratch / "out", {.replace = false}), Error);
  {
    OutputFolder folder(scratch / "out");
    std::ofstream(folder.temporary() + "/new") << "new";
    folder.commit();
  }
  CHECK_FALSE(fs::exists(scratch / "out/old"));
  CHECK(content(scratch / "out/new") == "new");
  CHECK(scratch.files() == 1);
}

TEST_CASE("a lock is held once") {
  const Scratch scratch;
  {
    const FileLock lock(scratch / "lock");
    CHECK_THROWS_AS(FileLock(scratch / "lock"), Error);
  }
  CHECK_NOTHROW(FileLock(scratch / "lock"));
}
