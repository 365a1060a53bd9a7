#include "sbus/http_server.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/error.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kMostUnsent = 1 << 20;  // beyond it a connection is not read from
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSweepEvery = kSecond / 4;
constexpr std::int64_t kLinger = kSecond;  // for a refused client to read its answer
constexpr std::size_t kMostBuckets = 1 << 16;

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

}  // namespace

struct HttpServer::Connection {
  Connection(int descriptor, const HttpLimits& limits) : fd(descriptor), parser(limits) {}

  int fd;
  HttpParser parser;
  Address address{};
  std::string in, out;
  std::size_t taken = 0, sent = 0;  // of `in` and of `out`
  std::size_t settled = 0;          // `out` up to here was settled
  unsigned answers = 0;             // behind it
  std::int64_t request_began = 0;   // 0: none has
  std::int64_t last_progress = 0;
  unsigned events = EPOLLIN;
  bool touched = false, doomed = false;
  bool closing = false;    // after what is in `out`
  bool peer_done = false;  // no more bytes will come
  bool refused = false;    // what still comes is thrown away
  bool lingering = false;

  [[nodiscard]] bool full() const { return out.size() - sent > kMostUnsent; }
  // Whole requests were left in `in` because the connection was full.
  [[nodiscard]] bool has_backlog() const { return !closing && request_began == 0 && !in.empty(); }
};

HttpServer::HttpServer(const Listener& listener, const ServerOptions& options, WebHandler& handler)
    : listener_(listener.fd),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      options_(options),
      handler_(handler) {
  if (epoll_ < 0) throw core::system_error("epoll", "open", errno);
  watch(listener_, EPOLLIN, false);
}

HttpServer::~HttpServer() {
  for (const auto& c : connections_) {
    if (c) ::close(c->fd);
  }
  if (listener_ >= 0) ::close(listener_);
  ::close(epoll_);
}

void HttpServer::watch(int fd, unsigned events, bool change) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_, change ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) {
    throw core::system_error("epoll", "watch a connection", errno);
  }
}

void HttpServer::accept_all() {
  while (listener_ >= 0) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&from), &size,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      // Out of descriptors: the queue stays readable, so it is left alone for a moment.
      if (errno != EAGAIN && errno != EWOULDBLOCK && accept_again_ == 0) {
        accept_again_ = now_ + kSecond / 10;
        watch(listener_, 0, true);
      }
      return;
    }
    if (open_ >= options_.max_connections) {
      turn_away(fd);
      continue;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto slot = static_cast<std::size_t>(fd);
    if (slot >= connections_.size()) connections_.resize(slot + 1);
    connections_[slot] = std::make_unique<Connection>(fd, options_.limits);
    Connection& c = *connections_[slot];
    c.last_progress = now_;
    if (from.ss_family == AF_INET) {
      std::memcpy(c.address.data(), &reinterpret_cast<sockaddr_in*>(&from)->sin_addr, 4);
    } else {
      std::memcpy(c.address.data(), &reinterpret_cast<sockaddr_in6*>(&from)->sin6_addr, 16);
    }
    ++open_;
    watch(fd, EPOLLIN, false);
  }
}

void HttpServer::turn_away(int fd) {
  Connection c(fd, options_.limits);
  refuse(c, 503, "too many connections");
  [[maybe_unused]] const ssize_t ignored = ::send(fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  ::close(fd);
}

void HttpServer::close_later(Connection& c) {
  if (c.doomed) return;
  c.doomed = true;
  doomed_.push_back(c.fd);
}

void HttpServer::touch(Connection& c) {
  if (c.touched) return;
  c.touched = true;
  touched_.push_back(c.fd);
}

void HttpServer::on_event(int fd, unsigned events) {
  const auto slot = static_cast<std::size_t>(fd);
  if (slot >= connections_.size() || !connections_[slot]) return;
  Connection& c = *connections_[slot];
  if ((events & EPOLLERR) != 0 || ((events & EPOLLHUP) != 0 && (events & EPOLLIN) == 0)) {
    close_later(c);
    return;
  }
  touch(c);
  if ((events & (EPOLLIN | EPOLLHUP)) != 0) on_readable(c);
}

void HttpServer::on_readable(Connection& c) {
  char block[kReadBytes];
  const ssize_t got = ::recv(c.fd, block, sizeof block, 0);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) close_later(c);
    return;
  }
  if (got == 0) {
    c.peer_done = true;
    return;
  }
  if (c.refused) return;
  c.last_progress = now_;
  c.in.append(block, static_cast<std::size_t>(got));
  serve_requests(c);
}

// Answers the whole requests in `in`, as long as the client takes its answers.
void HttpServer::serve_requests(Connection& c) {
  WebRequest request;
  while (!c.closing && !c.full() && c.taken < c.in.size()) {
    const auto status = c.parser.parse(std::string_view(c.in).substr(c.taken), request);
    if (status == HttpParser::Status::kBad) {
      refuse(c, c.parser.error(), c.parser.reason());
      break;
    }
    if (status == HttpParser::Status::kMore) {
      if (c.request_began == 0) c.request_began = now_;
      if (c.parser.take_expectation()) c.out += "HTTP/1.1 100 Continue\r\n\r\n";
      break;
    }
    const bool keep_alive = answer_one(c, request);
    c.taken += c.parser.size();
    c.parser.next();
    c.request_began = 0;
    c.closing = !keep_alive;
  }
  c.in.erase(0, c.taken);
  c.taken = 0;
}

bool HttpServer::answer_one(Connection& c, const WebRequest& request) {
  answer_.status = 200;
  answer_.body.clear();
  answer_.type = "application/json";
  answer_.fields.clear();
  if (options_.rate > 0 && !within_rate(c.address)) {
    handler_.refuse(429, "more requests a second than allowed", answer_);
    answer_.fields += "Retry-After: 1\r\n";
  } else {
    handler_.answer(request, answer_);
  }
  const bool keep_alive = request.keep_alive && !draining_;
  put_answer(c, keep_alive);
  return keep_alive;
}

void HttpServer::refuse(Connection& c, int status, std::string_view detail) {
  answer_ = {};
  handler_.refuse(status, detail, answer_);
  put_answer(c, false);
  c.closing = c.refused = true;
}

void HttpServer::put_answer(Connection& c, bool keep_alive) {
  std::string& out = c.out;
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(answer_.status));
  out += ' ';
  out += status_text(answer_.status);
  out += "\r\nDate: ";
  out += date();
  out += "\r\nContent-Type: ";
  out += answer_.type;
  out += "\r\nContent-Length: ";
  append_number(out, answer_.body.size());
  out += "\r\n";
  out += answer_.fields;
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  out += answer_.body;
  ++c.answers;
}

// A bucket holds at most one second's worth of requests.
bool HttpServer::within_rate(const Address& address) {
  if (buckets_.size() >= kMostBuckets) buckets_.clear();  // an attack from many addresses
  Bucket& bucket =
      buckets_[std::string(reinterpret_cast<const char*>(address.data()), address.size())];
  const double burst = std::max(options_.rate, 1.0);
  if (bucket.filled == 0) {
    bucket.tokens = burst;
  } else {
    const double seconds = static_cast<double>(now_ - bucket.filled) / kSecond;
    bucket.tokens = std::min(burst, bucket.tokens + seconds * options_.rate);
  }
  bucket.filled = now_;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void HttpServer::replace_answers(Connection& c) {
  c.out.resize(c.settled);
  for (unsigned left = std::exchange(c.answers, 0); left > 0; --left) {
    answer_ = {};
    handler_.refuse(503, "the write could not be made durable", answer_);
    put_answer(c, left > 1 || !c.closing);
  }
}

void HttpServer::finish_batch() {
  const bool settled = handler_.settle();
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    Connection& c = *connections_[static_cast<std::size_t>(touched_[i])];
    c.touched = false;
    if (c.doomed) continue;
    if (!settled) replace_answers(c);
    c.answers = 0;
    send(c);
  }
  touched_.clear();
  for (const int fd : doomed_) {
    ::close(fd);  // leaves the epoll set by itself
    connections_[static_cast<std::size_t>(fd)].reset();
    --open_;
  }
  doomed_.clear();
}

void HttpServer::send(Connection& c) {
  while (c.sent < c.out.size()) {
    const ssize_t got = ::send(c.fd, c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      return close_later(c);
    }
    c.sent += static_cast<std::size_t>(got);
    c.last_progress = now_;
  }
  const bool all = c.sent == c.out.size();
  if (all) {
    c.out.clear();
    c.sent = 0;
    if (c.closing && c.refused && !c.peer_done) {
      // Closing with unread bytes would reset the connection before the answer is read.
      if (!c.lingering) ::shutdown(c.fd, SHUT_WR);
      c.lingering = true;
    } else if (c.has_backlog()) {
      backlog_.push_back(c.fd);
    } else if (c.closing || c.peer_done) {
      return close_later(c);
    }
  }
  c.settled = c.out.size();
  // A peer that is done keeps its socket readable: it is no longer asked for.
  const unsigned events = (c.full() || c.peer_done ? 0u : static_cast<unsigned>(EPOLLIN)) |
                          (all ? 0u : static_cast<unsigned>(EPOLLOUT));
  if (events != c.events) {
    c.events = events;
    watch(c.fd, events, true);
  }
}

void HttpServer::sweep() {
  next_sweep_ = now_ + kSweepEvery;
  if (accept_again_ != 0 && now_ >= accept_again_ && listener_ >= 0) {
    accept_again_ = 0;
    watch(listener_, EPOLLIN, true);
  }
  for (const auto& c : connections_) {
    if (!c || c->doomed) continue;
    const std::int64_t quiet = now_ - c->last_progress;
    const bool late =
        c->request_began != 0 && now_ - c->request_began > options_.request_timeout_ns;
    if (late || quiet > options_.idle_timeout_ns || (c->lingering && quiet > kLinger)) {
      close_later(*c);
    }
  }
}

// What has arrived is answered; connections with nothing under way are closed.
void HttpServer::drain() {
  draining_ = true;
  accept_all();
  ::close(std::exchange(listener_, -1));
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (!connections_[i] || connections_[i]->doomed) continue;
    Connection& c = *connections_[i];
    touch(c);
    on_readable(c);
    if (c.request_began == 0 && !c.full()) c.closing = true;
  }
  finish_batch();
}

void HttpServer::run(int stop_fd) {
  watch(stop_fd, EPOLLIN, false);
  std::vector<epoll_event> events(512);
  std::int64_t drain_until = 0;
  now_ = monotonic_ns();
  while (!draining_ || (open_ > 0 && now_ < drain_until)) {
    const int timeout = backlog_.empty() ? static_cast<int>(kSweepEvery / 1'000'000) : 0;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
    if (count < 0 && errno != EINTR) throw core::system_error("epoll", "wait", errno);
    now_ = monotonic_ns();
    bool stop = false;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == stop_fd) {
        stop = true;
      } else if (event.data.fd == listener_) {
        accept_all();
      } else {
        on_event(event.data.fd, event.events);
      }
    }
    for (const int fd : std::exchange(backlog_, {})) {
      Connection* c = connections_[static_cast<std::size_t>(fd)].get();
      if (c == nullptr || c->doomed) continue;
      touch(*c);
      serve_requests(*c);
    }
    if (now_ >= next_sweep_) sweep();
    finish_batch();
    if (stop && !draining_) {
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, stop_fd, nullptr);
      drain_until = now_ + options_.drain_timeout_ns;
      drain();
    }
  }
}

// RFC 9110, 5.6.7; made once a second.
std::string_view HttpServer::date() {
  const std::time_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    char text[64];
    std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[utc.tm_wday],
                  utc.tm_mday, kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                  utc.tm_sec);
    date_ = text;
  }
  return date_;
}

}  // namespace stateutils::sbus
