#include "bench/shell/world_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/error.hpp"
#include "core/utf8.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxRequest = 1u << 20, kMaxConnections = 64, kResponseHead = 9;

void append_little_u32(std::string& out, std::uint32_t v) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(v >> shift));
}

std::uint32_t read_u32(std::string_view bytes) {
  std::uint32_t v = 0;
  for (std::size_t i = 4; i-- > 0;) v = (v << 8) | static_cast<unsigned char>(bytes[i]);
  return v;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw core::environment_error(path + ": the path of a socket has at most 107 bytes");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

std::string response_bytes(const Observation& seen) {
  std::string out(1, static_cast<char>(seen.exit));
  append_little_u32(out, static_cast<std::uint32_t>(seen.out.size()));
  append_little_u32(out, static_cast<std::uint32_t>(seen.error.size()));
  return out + seen.out + seen.error;
}

}  // namespace

std::string request_bytes(const std::vector<std::string>& words) {
  std::string body;
  for (const std::string& word : words) body += word + '\0';
  std::string out;
  append_little_u32(out, static_cast<std::uint32_t>(body.size()));
  return out + body;
}

bool request_words(std::string_view body, std::vector<std::string>& words) {
  words.clear();
  if (body.empty() || body.back() != '\0' || !core::is_valid_utf8(body)) return false;
  while (!body.empty()) {
    const std::size_t end = body.find('\0');
    words.emplace_back(body.substr(0, end));
    body.remove_prefix(end + 1);
  }
  return true;
}

WorldServer::WorldServer(const std::string& path)
    : path_(path), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  const sockaddr_un address = address_of(path);
  if (!listener_.open() ||
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 64) != 0) {
    throw core::system_error(path, "open the socket", errno);
  }
  ::chmod(path.c_str(), 0666);  // its folder is the room's own
}

WorldServer::~WorldServer() {
  ::unlink(path_.c_str());
}

void WorldServer::add_to(std::vector<pollfd>& waiting) const {
  const bool full = connections_.size() >= kMaxConnections;
  waiting.push_back({full ? -1 : listener_.get(), POLLIN, 0});
  for (const Connection& c : connections_) {
    waiting.push_back({c.fd.get(), static_cast<short>(c.answered ? POLLOUT : POLLIN), 0});
  }
}

void WorldServer::serve(const std::vector<pollfd>& waiting, std::size_t first,
                        const Handler& handler) {
  std::size_t entry = first + 1;
  for (auto c = connections_.begin(); c != connections_.end(); ++entry) {
    const bool ready = entry < waiting.size() && waiting[entry].revents != 0;
    c = ready && !advance(*c, handler) ? connections_.erase(c) : std::next(c);
  }
  if (waiting[first].revents != 0) accept_all();
}

void WorldServer::accept_all() {
  while (connections_.size() < kMaxConnections) {
    core::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.open()) return;
    connections_.push_back({std::move(fd), {}, {}, false});
  }
}

bool WorldServer::advance(Connection& c, const Handler& handler) {
  if (!c.answered) {
    std::array<char, 65536> block;
    const ssize_t n = ::recv(c.fd.get(), block.data(), block.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    c.in.append(block.data(), static_cast<std::size_t>(n));
    if (c.in.size() < 4) return true;
    const std::size_t size = read_u32(c.in);
    if (size > kMaxRequest) return false;
    if (c.in.size() < 4 + size) return true;
    std::vector<std::string> words;
    Observation seen;
    if (request_words(std::string_view(c.in).substr(4, size), words)) {
      seen = handler(words);
    } else {
      seen.exit = 2;
      seen.error = "invalid UTF-8";
    }
    c.out = response_bytes(seen);
    c.answered = true;
  }
  while (!c.out.empty()) {
    const ssize_t n = ::send(c.fd.get(), c.out.data(), c.out.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    c.out.erase(0, static_cast<std::size_t>(n));
  }
  return false;
}

namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool print_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

int ask(const char* path, const std::vector<std::string>& words) {
  const core::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  std::string answer;
  bool ok = fd.open() &&
            ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
            send_all(fd.get(), request_bytes(words));
  std::array<char, 65536> block;
  for (ssize_t n = 1; ok && n > 0;) {
    n = ::recv(fd.get(), block.data(), block.size(), 0);
    if (n < 0 && errno == EINTR)
      n = 1;
    else if (n > 0)
      answer.append(block.data(), static_cast<std::size_t>(n));
  }
  ok = ok && answer.size() >= kResponseHead &&
       answer.size() == kResponseHead + std::size_t{read_u32(std::string_view(answer).substr(1))} +
                            read_u32(std::string_view(answer).substr(5));
  if (!ok) {
    (void)print_all(2, words[0] + ": the world does not answer\n");
    return 4;
  }
  const std::string_view text(answer);
  const std::size_t size = read_u32(text.substr(1));
  const auto line = [](std::string_view out) {
    return out.empty() || out.back() == '\n' ? std::string(out) : std::string(out) + "\n";
  };
  const bool printed = print_all(1, line(text.substr(kResponseHead, size))) &&
                       print_all(2, line(text.substr(kResponseHead + size)));
  return printed ? static_cast<unsigned char>(answer[0]) : 4;
}

}  // namespace

WorldExec world_exec(int argc, char** argv) {
  if (argc < 1) return {};
  std::string_view name(argv[0]);
  name = name.substr(name.rfind('/') + 1);
  std::vector<std::string> words;
  if (name == "gen-bench") {
    if (argc < 3 || std::string_view(argv[1]) != "world-exec") return {};
    words.assign(argv + 2, argv + argc);
  } else {
    words.emplace_back(name);
    words.insert(words.end(), argv + 1, argv + argc);
  }
  const char* path = std::getenv(kSocketVariable);
  if (path == nullptr) return {};
  return {true, ask(path, words)};
}

}  // namespace stateutils::bench
