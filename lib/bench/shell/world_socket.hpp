// Commands of the sandbox as requests over a Unix socket. A request is the command's words, a
// response its exit code and output; the world itself is never where the agent is.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "bench/run/episode.hpp"
#include "core/subprocess.hpp"

struct pollfd;

namespace stateutils::bench {

inline constexpr const char* kSocketVariable = "GEN_BENCH_SOCKET";

// Wire form, little endian: request u32 size, then words each ended by a NUL; response u8 exit,
// u32 and u32 sizes of stdout and stderr, then both.
[[nodiscard]] std::string request_bytes(const std::vector<std::string>& words);
// The words of a whole request, or false: not UTF-8 or not ended.
[[nodiscard]] bool request_words(std::string_view body, std::vector<std::string>& words);

class WorldServer {
 public:
  using Handler = std::function<Observation(const std::vector<std::string>& words)>;
  explicit WorldServer(const std::string& path);
  ~WorldServer();
  WorldServer(const WorldServer&) = delete;
  WorldServer& operator=(const WorldServer&) = delete;

  // Adds what to wait for; after poll, serve() handles what is ready among the same entries.
  void add_to(std::vector<pollfd>& waiting) const;
  void serve(const std::vector<pollfd>& waiting, std::size_t first, const Handler& handler);

 private:
  struct Connection {
    core::Fd fd;
    std::string in, out;
    bool answered = false;
  };
  void accept_all();
  // False when the connection is over.
  [[nodiscard]] bool advance(Connection& c, const Handler& handler);

  std::string path_;
  core::Fd listener_;
  std::list<Connection> connections_;
};

// The client: what a verb's link in the sandbox runs. Entered before anything else of the program;
// the exit code, or nothing when the program was called by its own name.
struct WorldExec {
  bool called = false;
  int exit = 0;
};
[[nodiscard]] WorldExec world_exec(int argc, char** argv);

}  // namespace stateutils::bench
