#include "sbus/bus_api.hpp"

#include <algorithm>
#include <ctime>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "sbus/clock.hpp"
#include "sbus/mapping.hpp"
#include "sbus/request_body.hpp"

namespace stateutils::sbus {
namespace {

constexpr std::string_view kShardPrefix = "/shard/";
constexpr std::string_view kAdminPrefix = "/admin/";

// The name and status of a refusal of the store.
struct ErrorName {
  std::string_view name;
  int status;
};
ErrorName error_name(BusError error) {
  switch (error) {
    case BusError::kShardAlreadyExists:
      return {"ShardAlreadyExists", 409};
    case BusError::kShardNotFound:
      return {"ShardNotFound", 404};
    case BusError::kVersionMismatch:
      return {"VersionMismatch", 409};
    case BusError::kCrossShardStale:
      return {"CrossShardStale", 409};
    case BusError::kTokenConflict:
      return {"TokenConflict", 409};
    case BusError::kSessionExpired:
      return {"SessionExpired", 410};
    case BusError::kDeltaTooLarge:
      return {"DeltaTooLarge", 413};
    case BusError::kVersionNotInLog:
      return {"VersionNotInLog", 409};
    case BusError::kNone:
    case BusError::kUnavailable:
      break;
  }
  return {"Unavailable", 503};
}

std::string_view refusal_name(int status) {
  switch (status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 405:
      return "MethodNotAllowed";
    case 413:
      return "PayloadTooLarge";
    case 417:
      return "ExpectationFailed";
    case 429:
      return "TooManyRequests";
    case 431:
      return "HeadTooLarge";
    case 501:
      return "NotImplemented";
    case 505:
      return "VersionNotSupported";
    default:
      return "Unavailable";
  }
}

void put_error(int status, std::string_view detail, WebAnswer& out) {
  out.status = status;
  out.body.clear();
  core::JsonWriter json(out.body);
  json.begin_object().field("error", refusal_name(status)).field("detail", detail);
  json.end_object();
}

std::string detail_of(const Refusal& why) {
  const std::string key = core::quoted(why.key);
  const std::string had = std::to_string(why.had), found = std::to_string(why.found);
  switch (why.error) {
    case BusError::kShardAlreadyExists:
      return "shard " + key + " exists";
    case BusError::kShardNotFound:
      return "no shard " + key;
    case BusError::kVersionMismatch:
      return key + " is at version " + found + ", expected " + had;
    case BusError::kCrossShardStale:
      return key + " was read at version " + had + " and is at " + found;
    case BusError::kTokenConflict:
      return key + " is held by " + core::quoted(why.owner);
    case BusError::kSessionExpired:
      return "every delivery to the agent is too old: reset its session";
    case BusError::kDeltaTooLarge:
      return had + " bytes, at most " + found;
    case BusError::kVersionNotInLog:
      return "version " + had + " of " + key + " is not in the log";
    default:
      return why.detail;
  }
}

}  // namespace

std::string utc_text(std::int64_t ns) {
  const std::time_t seconds = ns / 1'000'000'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char text[64];
  const int size =
      std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", utc.tm_year + 1900,
                    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                    static_cast<int>(ns % 1'000'000'000 / 1000));
  return {text, static_cast<std::size_t>(size)};
}

void put_shard(const ShardView& shard, WebAnswer& out) {
  core::JsonWriter json(out.body);
  json.begin_object().field("key", shard.key).field("id", shard.id);
  json.field("version", shard.version).field("content", shard.content).key("owner");
  if (shard.owner) {
    json.value(*shard.owner);
  } else {
    json.null();
  }
  json.field("goal_tag", shard.goal_tag).field("attempt_count", shard.attempts);
  json.field("conflict_count", shard.conflicts).field("delta_log_depth", shard.log_depth);
  json.field("created_at", utc_text(shard.created_at));
  json.field("updated_at", utc_text(shard.updated_at)).end_object();
}

struct BusApi::Route {
  std::string_view method, path;
  void (BusApi::*handle)(const WebRequest&, WebAnswer&);
};

std::span<const BusApi::Route> BusApi::routes() {
  static constexpr Route kRoutes[] = {
      {"POST", "/commit/v2", &BusApi::commit},
      {"POST", "/commit", &BusApi::commit},
      {"POST", "/shard", &BusApi::create_shard},
      {"GET", "/shards", &BusApi::list_shards},
      {"POST", "/rollback", &BusApi::rollback},
      {"POST", "/session", &BusApi::session},
      {"POST", "/delivery_log/register", &BusApi::register_reads},
      {"GET", "/stats", &BusApi::stats},
      {"GET", "/metrics", &BusApi::metrics},
      {"GET", "/admin/health", &BusApi::admin_health},
      {"POST", "/admin/reset", &BusApi::admin_reset},
      {"GET", "/admin/config", &BusApi::admin_get_config},
      {"POST", "/admin/config", &BusApi::admin_set_config},
      {"GET", "/admin/delivery-log", &BusApi::admin_delivery_log},
      {"POST", "/admin/inject-stale", &BusApi::admin_inject_stale},
      {"POST", "/admin/shard", &BusApi::admin_shard},
      {"POST", "/admin/commit", &BusApi::admin_commit},
  };
  return kRoutes;
}

BusApi::BusApi(BusStore& store, const ApiOptions& options)
    : store_(store), admin_(options.admin), turns_(options.turn_ns) {
  for (const std::string& token : options.tokens) tokens_.push_back(core::sha256(token));
}

// Digests of equal length are compared whole, against every token: the time tells nothing.
bool BusApi::authorized(std::string_view authorization) const {
  if (tokens_.empty()) return true;
  constexpr std::string_view kScheme = "bearer ";
  const bool bearer = authorization.size() > kScheme.size() &&
                      std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                                 [](char x, char y) { return x == (y | 0x20); });
  const core::Sha256Digest given =
      core::sha256(bearer ? authorization.substr(kScheme.size()) : std::string_view());
  bool known = false;
  for (const core::Sha256Digest& token : tokens_) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < token.size(); ++i) {
      difference |= static_cast<unsigned>(token[i] ^ given[i]);
    }
    known |= difference == 0;
  }
  return bearer && known;
}

void BusApi::answer(const WebRequest& request, WebAnswer& out) {
  try {
    if (authorized(request.authorization)) {
      dispatch(request, request.target.substr(0, request.target.find('?')), out);
    } else {
      put_error(401, "a bearer token is needed", out);
      out.fields += "WWW-Authenticate: Bearer\r\n";
    }
  } catch (const BadBody& bad) {
    put_error(400, bad.detail, out);
  }
  put_sequence(out);
}

void BusApi::refuse(int status, std::string_view detail, WebAnswer& out) {
  put_error(status, detail, out);
  put_sequence(out);
}

void BusApi::put_sequence(WebAnswer& out) {
  out.fields += "X-Sbus-Seq: ";
  out.fields += std::to_string(store_.sequence());
  out.fields += "\r\n";
}

void BusApi::dispatch(const WebRequest& request, std::string_view path, WebAnswer& out) {
  std::string allowed;
  for (const Route& route : routes()) {
    if (route.path != path) continue;
    if (path.starts_with(kAdminPrefix) && !admin_) {
      return put_error(403, "the server was started without --admin", out);
    }
    if (route.method == request.method) return (this->*route.handle)(request, out);
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  if (path.starts_with(kShardPrefix) && path.size() > kShardPrefix.size() &&
      path.find('/', kShardPrefix.size()) == std::string_view::npos) {
    if (request.method == "GET") return get_shard(path.substr(kShardPrefix.size()), request, out);
    allowed = "GET";
  }
  if (allowed.empty()) return put_error(404, "no such endpoint", out);
  put_error(405, "this endpoint knows " + allowed, out);
  out.fields += "Allow: " + allowed + "\r\n";
}

bool BusApi::refused(const Refusal& why, WebAnswer& out) {
  if (!why.refused()) return false;
  const ErrorName error = error_name(why.error);
  out.status = error.status;
  core::JsonWriter json(out.body);
  json.begin_object().field("error", error.name).field("detail", detail_of(why));
  switch (why.error) {
    case BusError::kVersionMismatch:
      json.field("key", why.key).field("expected", why.had).field("found", why.found);
      break;
    case BusError::kCrossShardStale:
      json.field("key", why.key);
      json.field("version_at_read", why.had).field("current_version", why.found);
      break;
    case BusError::kTokenConflict:
      json.field("key", why.key).field("owner", why.owner);
      break;
    case BusError::kUnavailable:
    case BusError::kSessionExpired:
      break;
    default:
      json.field("key", why.key);
  }
  json.end_object();
  return true;
}

void BusApi::get_shard(std::string_view encoded_key, const WebRequest& request, WebAnswer& out) {
  const std::string key = percent_decoded(encoded_key);
  const std::string agent = query_value(request.target, "agent_id", true).value_or("");
  if (!core::is_valid_utf8(key) || !core::is_valid_utf8(agent)) {
    throw BadBody{"the target is not UTF-8"};
  }
  if (!agent.empty() && request.may_wait && !turns_.idle() &&
      !turns_.may_read(key, agent, request.client, steady_ns())) {
    out.put_off = true;
    return;
  }
  ShardView shard;
  if (refused(store_.get(key, agent, shard), out)) return;
  put_shard(shard, out);
  out.fields += "ETag: \"" + std::to_string(shard.version) + "\"\r\n";
}

void BusApi::create_shard(const WebRequest& request, WebAnswer& out) {
  const RequestBody body(parser_, request.body);
  NewShard made;
  made.key = body.string("key");
  if (made.key.empty()) throw BadBody{"\"key\" is empty"};
  made.content = body.opt_string("content").value_or("");
  made.goal_tag = body.opt_string("goal_tag").value_or("");
  ShardView shard;
  if (refused(store_.create(made, shard), out)) return;
  out.status = 201;
  put_shard(shard, out);
}

void BusApi::list_shards(const WebRequest&, WebAnswer& out) {
  std::vector<std::string_view> keys;
  if (refused(store_.keys(keys), out)) return;
  core::JsonWriter json(out.body);
  json.begin_object().key("shards").begin_array();
  for (const std::string_view key : keys) json.value(key);
  json.end_array().field("count", keys.size());
  json.end_object();
}

void BusApi::do_commit(const WebRequest& request, WebAnswer& out, bool by_admin) {
  const RequestBody body(parser_, request.body);
  CommitRequest commit;
  commit.key = body.string("key");
  commit.expected = body.version("expected_version", "expected_ver");
  commit.delta = body.string("delta", "content");
  commit.agent = body.string("agent_id");
  commit.rationale = body.opt_string("rationale").value_or("");
  body.read_set(read_set_);
  commit.read_set = read_set_;
  if (by_admin && refused(store_.touch_deliveries(commit.agent), out)) return;
  CommitAnswer done;
  const Refusal why = store_.commit(commit, done);
  const bool collided = why.error == BusError::kVersionMismatch && why.alone;
  if (collided || !turns_.idle()) {
    turns_.committed(commit.key, commit.agent, collided, steady_ns());
  }
  if (refused(why, out)) return;
  core::JsonWriter json(out.body);
  json.begin_object().field("new_version", done.version).field("shard_id", done.shard_id);
  json.end_object();
}

void BusApi::rollback(const WebRequest& request, WebAnswer& out) {
  const RequestBody body(parser_, request.body);
  ShardView shard;
  const Refusal why = store_.rollback(body.string("key"), body.version("target_version"),
                                      body.string("agent_id"), shard);
  if (!refused(why, out)) put_shard(shard, out);
}

void BusApi::session(const WebRequest& request, WebAnswer& out) {
  const RequestBody body(parser_, request.body);
  const std::string_view agent = body.string("agent_id");
  if (agent.empty()) throw BadBody{"\"agent_id\" is empty"};
  if (refused(store_.reset_session(agent), out)) return;
  core::JsonWriter json(out.body);
  json.begin_object().field("agent_id", agent).field("status", "created");
  json.end_object();
}

void BusApi::register_reads(const WebRequest& request, WebAnswer& out) {
  const RequestBody body(parser_, request.body);
  const std::string_view agent = body.string("agent_id");
  if (agent.empty()) throw BadBody{"\"agent_id\" is empty"};
  static_cast<void>(body.opt_string("session_id"));  // a wrong kind is an error here too
  static_cast<void>(body.opt_string("source"));
  const std::vector<std::string_view> keys = body.strings("shards_used");
  Registration done;
  if (refused(store_.register_reads(agent, keys, done), out)) return;
  core::JsonWriter json(out.body);
  json.begin_object().field("ok", true).field("registered", done.registered);
  json.key("skipped_existing").begin_array();
  for (const std::string_view key : done.existing) json.value(key);
  json.end_array().key("skipped_no_shard").begin_array();
  for (const std::string_view key : done.unknown) json.value(key);
  json.end_array().end_object();
}

}  // namespace stateutils::sbus
