// An HTTP server on one thread: epoll, keep-alive and pipelining. Requests that arrived together
// are answered together, after one settle() of whoever answers them (group commit).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sbus/http_parser.hpp"
#include "sbus/sockets.hpp"

namespace stateutils::sbus {

struct WebAnswer {
  int status = 200;
  std::string body;
  std::string_view type = "application/json";
  std::string fields;  // further header fields, each ending in CRLF
};

class WebHandler {
 public:
  virtual ~WebHandler() = default;
  virtual void answer(const WebRequest& request, WebAnswer& out) = 0;
  // A request that never reached answer().
  virtual void refuse(int status, std::string_view detail, WebAnswer& out) = 0;
  // Called before the answers since the last call leave; false: they are all replaced by refuse().
  [[nodiscard]] virtual bool settle() = 0;
};

struct ServerOptions {
  HttpLimits limits;
  std::int64_t idle_timeout_ns = 120ll * 1'000'000'000;
  std::int64_t request_timeout_ns = 10ll * 1'000'000'000;
  std::int64_t drain_timeout_ns = 2ll * 1'000'000'000;
  std::size_t max_connections = 4096;
  double rate = 0;  // requests per second and client address; 0 = any
};

class HttpServer {
 public:
  HttpServer(const Listener& listener, const ServerOptions& options, WebHandler& handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Serves until `stop_fd` becomes readable; then answers what has arrived and returns.
  void run(int stop_fd);

 private:
  struct Connection;
  struct Bucket {
    double tokens = 0;
    std::int64_t filled = 0;
  };
  using Address = std::array<unsigned char, 16>;

  void watch(int fd, unsigned events, bool change);
  void accept_all();
  void turn_away(int fd);
  void touch(Connection& c);
  void on_event(int fd, unsigned events);
  void on_readable(Connection& c);
  void serve_requests(Connection& c);
  bool answer_one(Connection& c, const WebRequest& request);
  void refuse(Connection& c, int status, std::string_view detail);
  void put_answer(Connection& c, bool keep_alive);
  [[nodiscard]] bool within_rate(const Address& address);
  void finish_batch();
  void replace_answers(Connection& c);
  void send(Connection& c);
  void close_later(Connection& c);
  void sweep();
  void drain();
  [[nodiscard]] std::string_view date();

  int listener_, epoll_;
  ServerOptions options_;
  WebHandler& handler_;
  std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
  std::size_t open_ = 0;
  std::vector<int> touched_, doomed_, backlog_;
  WebAnswer answer_;
  std::unordered_map<std::string, Bucket> buckets_;
  std::int64_t now_ = 0, next_sweep_ = 0, accept_again_ = 0;
  bool draining_ = false;
  std::int64_t date_second_ = -1;
  std::string date_;
};

}  // namespace stateutils::sbus
