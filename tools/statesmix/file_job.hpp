// What compress, decompress, test and the filter form share: options, one FILE at a time, exit
// codes and the --json lines.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/cli.hpp"
#include "core/io.hpp"
#include "statesmix/codec/codec.hpp"

namespace stateutils::statesmix {

struct FileOptions {
  int preset = 6;
  std::optional<core::ByteSize> block_size, memory_limit, max_output;
  std::optional<std::string> expect;
  bool keep_going = false, to_stdout = false, remove = false, keep = false, force = false;
  bool verbose = false;
  std::string output;
  std::vector<std::string> files;
};

void add_preset_flags(core::Command& command, FileOptions& options);
void add_compress_options(core::Command& command, FileOptions& options);
void add_decode_options(core::Command& command, FileOptions& options);
void add_output_options(core::Command& command, FileOptions& options);

// Runs the work on each FILE (stdin when there is none); an error is printed and the worst exit
// code wins. JSON lines go where --json says.
int compress_files(const FileOptions& options, core::Io& io);
int decompress_files(const FileOptions& options, core::Io& io);
int test_files(const FileOptions& options, core::Io& io);
int list_files(const FileOptions& options, core::Io& io);

// The FILEs, or "-" for stdin when there is none.
[[nodiscard]] std::vector<std::string> files_or_stdin(const FileOptions& options);
// Calls `work` for each file and turns errors into exit codes; `damage_code` replaces kInput.
int for_each_file(const std::vector<std::string>& files, const core::Io& io, int damage_code,
                  const std::function<int(const std::string&)>& work);

// Collects JSON lines and delivers them to stdout, stderr (data is on stdout) or a file.
class JsonLines {
 public:
  JsonLines(const core::Io& io, bool data_on_stdout) : io_(io), data_on_stdout_(data_on_stdout) {}
  [[nodiscard]] bool wanted() const { return io_.json.has_value(); }
  std::string& text() { return text_; }
  void deliver();

 private:
  const core::Io& io_;
  bool data_on_stdout_;
  std::string text_;
};

}  // namespace stateutils::statesmix
