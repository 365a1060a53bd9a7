#include "core/error.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"
#include "core/signals.hpp"
#include "core/tool.hpp"
#include "sbus/bus_api.hpp"
#include "sbus/memory_store.hpp"
#include "sbus/pg_store.hpp"
#include "subcommands.hpp"

namespace stateutils::sbus_check {
namespace {

constexpr std::uint64_t kMostTokenBytes = 1 << 20;

struct ServeCommand {
  std::string listen = "127.0.0.1:7000", fsync = "always", own_writes = "refresh", ori = "on";
  std::optional<std::string> wal, store, token_file;
  core::Duration ttl{3600ll * 1'000'000'000}, idle_timeout{120ll * 1'000'000'000},
      request_timeout{10ll * 1'000'000'000}, turn{5'000'000};
  core::ByteSize max_delta{2000}, max_body{1'000'000};
  std::uint64_t max_log_depth = 1000, max_connections = 4096;
  std::optional<double> rate;
  bool admin = false, insecure = false;
};

std::vector<std::string> read_tokens(const std::string& path) {
  const auto source = core::open_input(path);
  core::LineReader lines(*source, kMostTokenBytes);
  std::vector<std::string> tokens;
  std::string_view line;
  while (lines.next(line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.empty()) tokens.emplace_back(line);
  }
  if (tokens.empty()) throw core::input_error({source->name()}, "no token in it");
  return tokens;
}

// Where the state is kept: --wal FILE is --store wal:FILE.
struct StoreChoice {
  std::optional<std::string> wal, database;
};
StoreChoice store_choice(const ServeCommand& o) {
  if (!o.store) return {o.wal, std::nullopt};
  if (o.wal) throw core::usage_error("--store and --wal exclude each other");
  if (o.store->starts_with("pg:")) return {std::nullopt, o.store->substr(3)};
  if (o.store->starts_with("wal:") && o.store->size() > 4) {
    return {o.store->substr(4), std::nullopt};
  }
  throw core::usage_error("--store: " + core::quoted(*o.store) +
                          ": expected wal:FILE or pg:CONNINFO");
}

sbus::ServerOptions server_options(const ServeCommand& o) {
  sbus::ServerOptions out;
  out.limits.max_body = static_cast<std::size_t>(o.max_body.bytes);
  out.idle_timeout_ns = o.idle_timeout.ns;
  out.request_timeout_ns = o.request_timeout.ns;
  out.max_connections = static_cast<std::size_t>(o.max_connections);
  out.rate = o.rate.value_or(0);
  return out;
}

void announce(const core::Io& io, const sbus::Listener& listener, sbus::BusStore& store) {
  std::string line;
  core::JsonWriter json(line);
  json.begin_object().field("listening", "http://" + listener.address);
  json.field("shards", store.counters().shards).field("sequence", store.sequence()).end_object();
  io.out->write(line + "\n");
  io.out->flush();
}

int serve(const ServeCommand& o, const core::Io& io) {
  const auto wal_options = sbus::parse_fsync(o.fsync);
  if (!wal_options) {
    throw core::usage_error("--fsync: " + core::quoted(o.fsync) +
                            ": expected always, group:MS or never");
  }
  const StoreChoice choice = store_choice(o);
  sbus::ApiOptions api_options{.admin = o.admin, .tokens = {}, .turn_ns = o.turn.ns};
  if (o.token_file) api_options.tokens = read_tokens(*o.token_file);
  const sbus::BusOptions options{.ttl_ns = o.ttl.ns,
                                 .max_delta = o.max_delta.bytes,
                                 .max_log_depth = o.max_log_depth,
                                 .refresh_own_writes = o.own_writes == "refresh",
                                 .ori = o.ori == "on"};
  sbus::MemoryStore memory(options);
  std::unique_ptr<sbus::BusStore> database;
  if (choice.database) database = sbus::open_pg_store(*choice.database, options);
  sbus::BusStore& store = database ? *database : memory;
  const sbus::Listener listener = sbus::listen_on(o.listen);
  sbus::BusApi api(store, api_options);
  sbus::HttpServer server(listener, server_options(o), api);
  if (!listener.loopback && api_options.tokens.empty() && !o.insecure) {
    throw core::usage_error("--listen " + o.listen +
                            ": other machines could write; give --token-file or --insecure");
  }
  if (choice.wal) {
    memory.recover(*choice.wal, *wal_options);
  } else if (!database) {
    io.log.warn("no --wal: what is written is lost at the end");
  }
  announce(io, listener, store);
  server.run(core::stop_fd());
  if (!memory.sync()) throw core::environment_error(memory.wal()->failure());
  return 0;
}

}  // namespace

void register_serve(core::Tool& tool) {
  auto o = std::make_shared<ServeCommand>();
  auto cmd = tool.subcommand("serve", "serve shards over HTTP, commits validated");
  cmd.option("--listen", &o->listen, "address to listen on; port 0 takes a free one")
      .value_name("HOST:PORT");
  cmd.option("--wal", &o->wal, "write-ahead log, made when missing").value_name("FILE");
  cmd.option("--store", &o->store, "where the state is kept: wal:FILE (as --wal) or pg:CONNINFO")
      .value_name("STORE");
  cmd.option("--fsync", &o->fsync, "when the log is synced: always, group:MS or never")
      .value_name("WHEN");
  cmd.option("--ttl", &o->ttl, "age at which a delivery no longer binds (seconds, or with a unit)")
      .default_text("3600");
  cmd.option("--max-delta", &o->max_delta, "bytes of a commit's content").default_text("2000");
  cmd.option("--max-body", &o->max_body, "bytes of a request's body").default_text("1M");
  cmd.option("--max-log-depth", &o->max_log_depth, "versions that a rollback can reach");
  cmd.option("--own-writes", &o->own_writes,
             "whether a commit delivers its own new version to its agent")
      .one_of({"refresh", "keep"});
  cmd.option("--ori", &o->ori, "refuse commits with stale reads of other shards")
      .one_of({"on", "off"});
  cmd.option("--turn", &o->turn,
             "how long a read of a shard that agents fight over keeps others waiting; 0: not")
      .default_text("5ms");
  cmd.option("--admin", &o->admin, "answer the endpoints below /admin");
  cmd.option("--idle-timeout", &o->idle_timeout, "close a connection that is quiet for so long")
      .default_text("120s");
  cmd.option("--request-timeout", &o->request_timeout,
             "time for a whole request from its first byte on")
      .default_text("10s");
  cmd.option("--max-connections", &o->max_connections, "connections at a time").range(1, 1'000'000);
  cmd.option("--token-file", &o->token_file, "ask for one of these bearer tokens, one a line")
      .value_name("FILE");
  cmd.option("--rate", &o->rate, "requests a second that one client address may send")
      .range(0.001, 1e9);
  cmd.option("--insecure", &o->insecure, "listen beyond this machine without tokens");
  cmd.run([o](core::Io& io) { return serve(*o, io); });
}

}  // namespace stateutils::sbus_check
