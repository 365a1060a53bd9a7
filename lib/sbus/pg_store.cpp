#include "sbus/pg_store.hpp"

#include "core/error.hpp"

#ifdef STATEUTILS_HAVE_LIBPQ

#include <algorithm>

#include "core/hash.hpp"
#include "core/json_writer.hpp"
#include "sbus/pg.hpp"

namespace stateutils::sbus {
namespace {

constexpr int kMostTries = 10;  // of a transaction that met another one

// Keys are compared by their bytes, so that every process locks rows in the same order.
constexpr const char* kMakeTables = R"(
SET client_min_messages = warning;
SELECT pg_advisory_lock(7264150371);
CREATE TABLE IF NOT EXISTS sbus_shard(key text COLLATE "C" PRIMARY KEY, version bigint NOT NULL,
  id text NOT NULL, content text NOT NULL, goal_tag text NOT NULL, owner text,
  attempts bigint NOT NULL DEFAULT 0, conflicts bigint NOT NULL DEFAULT 0,
  created_at bigint NOT NULL, updated_at bigint NOT NULL, seq bigint NOT NULL);
CREATE TABLE IF NOT EXISTS sbus_delivery(agent text, key text COLLATE "C", version bigint NOT NULL,
  at bigint NOT NULL, PRIMARY KEY(agent, key));
CREATE TABLE IF NOT EXISTS sbus_log(seq bigserial PRIMARY KEY, ts bigint NOT NULL, op text NOT NULL,
  agent text NOT NULL DEFAULT '', key text COLLATE "C", version bigint, expected_version bigint,
  read_set json, content text, goal_tag text, owner text, rationale text, target_version bigint);
CREATE INDEX IF NOT EXISTS sbus_log_version ON sbus_log(key, version);
SELECT pg_advisory_unlock(7264150371);
)";
// Times are microseconds; they leave the database as nanoseconds.
#define SBUS_NOW "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
#define SBUS_SHARD                                                                       \
  "key, version, id, content, goal_tag, owner, attempts, conflicts, created_at * 1000, " \
  "updated_at * 1000, seq"
constexpr const char* kGet = "SELECT " SBUS_SHARD " FROM sbus_shard WHERE key = $1";
constexpr const char* kGetDelivered =
    "WITH s AS (SELECT * FROM sbus_shard WHERE key = $1), "
    "d AS (INSERT INTO sbus_delivery SELECT $2, s.key, s.version, " SBUS_NOW
    " FROM s ON CONFLICT (agent, key) DO UPDATE SET version = excluded.version, at = excluded.at) "
    "SELECT " SBUS_SHARD " FROM s";
constexpr const char* kCreate =
    "INSERT INTO sbus_shard(key, version, id, content, goal_tag, owner, created_at, updated_at, "
    "seq) VALUES ($1, 0, $2, $3, $4, $5, " SBUS_NOW ", " SBUS_NOW
    ", nextval('sbus_log_seq_seq')) ON CONFLICT DO NOTHING RETURNING " SBUS_SHARD;
constexpr const char* kDeliveries =
    "SELECT key, version, " SBUS_NOW " - at FROM sbus_delivery WHERE agent = $1";
constexpr const char* kLock =
    "SELECT key, version, owner FROM sbus_shard WHERE key = ANY($1::text[]) ORDER BY key FOR "
    "UPDATE";
constexpr const char* kCountConflict =
    "UPDATE sbus_shard SET attempts = attempts + 1, conflicts = conflicts + 1 WHERE key = $1";
constexpr const char* kWrite =
    "UPDATE sbus_shard SET version = version + 1, id = $2, content = $3, updated_at = " SBUS_NOW
    ", attempts = attempts + $4::bigint, seq = nextval('sbus_log_seq_seq') WHERE key = $1 "
    "RETURNING " SBUS_SHARD;
constexpr const char* kLog =
    "INSERT INTO sbus_log(seq, ts, op, agent, key, version, expected_version, read_set, content, "
    "goal_tag, owner, rationale, target_version) VALUES (coalesce($1::bigint, "
    "nextval('sbus_log_seq_seq')), " SBUS_NOW
    " * 1000, $2, $3, $4, $5::bigint, $6::bigint, $7::json, $8, $9, $10, $11, $12::bigint) "
    "RETURNING seq";
constexpr const char* kDeliver =
    "INSERT INTO sbus_delivery VALUES ($1, $2, $3::bigint, " SBUS_NOW
    ") ON CONFLICT (agent, key) DO UPDATE SET version = excluded.version, at = excluded.at";
constexpr const char* kOldVersion =
    "SELECT content FROM sbus_log WHERE key = $1 AND version = $2::bigint AND op <> 'session' "
    "ORDER BY seq DESC LIMIT 1";
#undef SBUS_NOW
#undef SBUS_SHARD

// A statement that failed; the transaction around it is over.
struct Failed {
  bool conflict;
  std::string what;
};

// The values of a statement as libpq takes them; an empty optional is NULL.
class Values {
 public:
  Values& add(std::optional<std::string_view> text) {
    if (text) {
      if (text->find('\0') != std::string_view::npos) {
        throw Failed{false, "PostgreSQL: text cannot hold U+0000"};
      }
      texts_.emplace_back(*text);
    } else {
      texts_.emplace_back(std::nullopt);
    }
    return *this;
  }
  Values& add(std::optional<std::int64_t> number) {
    return number ? add(std::string_view(std::to_string(*number))) : add_null();
  }
  Values& add(const std::string& text) { return add(std::string_view(text)); }
  Values& add_null() {
    texts_.emplace_back(std::nullopt);
    return *this;
  }
  [[nodiscard]] std::vector<const char*> pointers() const {
    std::vector<const char*> out;
    for (const auto& text : texts_) out.push_back(text ? text->c_str() : nullptr);
    return out;
  }

 private:
  std::vector<std::optional<std::string>> texts_;
};

struct LockedShard {
  std::int64_t version;
  std::optional<std::string_view> owner;
};

class PgStore final : public BusStore {
 public:
  PgStore(const std::string& conninfo, const BusOptions& options)
      : options_(options), connection_(pg_connect(conninfo)) {
    const PgResult made = pg_run(connection_.get(), kMakeTables);
    if (PQresultStatus(made.get()) != PGRES_TUPLES_OK) {
      throw pg_failure(connection_.get(), "make the tables");
    }
  }

  Refusal create(const NewShard& shard, ShardView& out) override {
    return transact([&] {
      const std::string id = core::sha256_hex(shard.content);
      kept_ = query(
          kCreate,
          Values().add(shard.key).add(id).add(shard.content).add(shard.goal_tag).add(shard.owner));
      if (PQntuples(kept_.get()) == 0) return refuse(BusError::kShardAlreadyExists, shard.key);
      take_view(out);
      LogRow row;
      row.op = "create";
      row.key = shard.key;
      row.version = 0;
      row.content = shard.content;
      row.goal_tag = shard.goal_tag;
      row.owner = shard.owner;
      log(row, sequence_);
      return Refusal{};
    });
  }

  Refusal get(std::string_view key, std::string_view agent, ShardView& out) override {
    return attempt([&] {
      kept_ = agent.empty() ? query(kGet, Values().add(key))
                            : query(kGetDelivered, Values().add(key).add(agent));
      if (PQntuples(kept_.get()) == 0) return refuse(BusError::kShardNotFound, key);
      take_view(out);
      return Refusal{};
    });
  }

  Refusal commit(const CommitRequest& request, CommitAnswer& out) override {
    if (request.delta.size() > options_.max_delta) {
      return refuse(BusError::kDeltaTooLarge, request.key,
                    static_cast<std::int64_t>(request.delta.size()),
                    static_cast<std::int64_t>(options_.max_delta));
    }
    bool checked = false, divergent = false;
    const Refusal why = transact([&] { return commit_step(request, out, checked, divergent); });
    count(why, checked, divergent);
    return why;
  }

  Refusal rollback(std::string_view key, std::int64_t target, std::string_view agent,
                   ShardView& out) override {
    return transact([&] {
      PgArray keys;
      keys.add(key);
      const PgResult row = query(kLock, Values().add(keys.text()));
      if (PQntuples(row.get()) == 0) return refuse(BusError::kShardNotFound, key);
      const std::int64_t now = pg_number(row.get(), 0, 1);
      const PgResult old = query(kOldVersion, Values().add(key).add(target));
      const bool reachable =
          target <= now && static_cast<std::uint64_t>(now - target) <= options_.max_log_depth;
      if (PQntuples(old.get()) == 0 || !reachable) {
        return refuse(BusError::kVersionNotInLog, key, target, now);
      }
      const std::string content(pg_text(old.get(), 0, 0));
      write(key, content, 0);
      take_view(out);
      LogRow made;
      made.op = "rollback";
      made.key = key;
      made.agent = agent;
      made.version = now + 1;
      made.content = content;
      made.target = target;
      log(made, sequence_);
      return Refusal{};
    });
  }

  Refusal reset_session(std::string_view agent) override {
    return transact([&] {
      query("DELETE FROM sbus_delivery WHERE agent = $1", Values().add(agent));
      LogRow row;
      row.op = "session";
      row.agent = agent;
      log(row, std::nullopt);
      return Refusal{};
    });
  }

  Refusal register_reads(std::string_view agent, std::span<const std::string_view> keys,
                         Registration& out) override {
    return transact([&] {
      out = {};
      for (const std::string_view key : keys) {
        const PgResult known =
            query("SELECT version FROM sbus_shard WHERE key = $1", Values().add(key));
        const PgResult had = query("SELECT 1 FROM sbus_delivery WHERE agent = $1 AND key = $2",
                                   Values().add(agent).add(key));
        if (PQntuples(known.get()) == 0) {
          out.unknown.push_back(key);
        } else if (PQntuples(had.get()) > 0) {
          out.existing.push_back(key);
        } else {
          deliver(agent, key, pg_number(known.get(), 0, 0));
          ++out.registered;
        }
      }
      return Refusal{};
    });
  }

  Refusal keys(std::vector<std::string_view>& out) override {
    return attempt([&] {
      kept_ = query("SELECT key FROM sbus_shard ORDER BY key", Values());
      for (int i = 0; i < PQntuples(kept_.get()); ++i) out.push_back(pg_text(kept_.get(), i, 0));
      return Refusal{};
    });
  }

  BusCounters counters() override {
    BusCounters out = counters_;
    static_cast<void>(attempt([&] {
      const PgResult row = query(
          "SELECT (SELECT count(*) FROM sbus_shard), count(DISTINCT agent), count(*) FROM "
          "sbus_delivery",
          Values());
      out.shards = static_cast<std::uint64_t>(pg_number(row.get(), 0, 0));
      out.agents = static_cast<std::uint64_t>(pg_number(row.get(), 0, 1));
      out.deliveries = static_cast<std::uint64_t>(pg_number(row.get(), 0, 2));
      return Refusal{};
    }));
    return out;
  }
  [[nodiscard]] bool ori() const override { return options_.ori; }

  Refusal set_owner(std::string_view key, std::string_view owner) override {
    return transact([&] {
      query("UPDATE sbus_shard SET owner = $2 WHERE key = $1", Values().add(key).add(owner));
      return Refusal{};
    });
  }
  Refusal inject_delivery(std::string_view agent, std::string_view key,
                          std::int64_t version) override {
    return transact([&] {
      const PgResult known = query(kGet, Values().add(key));
      if (PQntuples(known.get()) == 0) return refuse(BusError::kShardNotFound, key);
      deliver(agent, key, version);
      return Refusal{};
    });
  }
  Refusal touch_deliveries(std::string_view agent) override {
    return attempt([&] {
      query(
          "UPDATE sbus_delivery SET at = (extract(epoch FROM clock_timestamp()) * "
          "1000000)::bigint WHERE agent = $1",
          Values().add(agent));
      return Refusal{};
    });
  }
  Refusal each_delivery(const std::function<void(const DeliveryView&)>& visit) override {
    return attempt([&] {
      const PgResult rows = query(
          "SELECT agent, key, version, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint "
          "- at FROM sbus_delivery ORDER BY agent, key",
          Values());
      for (int i = 0; i < PQntuples(rows.get()); ++i) {
        visit({pg_text(rows.get(), i, 0), pg_text(rows.get(), i, 1), pg_number(rows.get(), i, 2),
               pg_number(rows.get(), i, 3) * 1000});
      }
      return Refusal{};
    });
  }
  void set_ori(bool on) override { options_.ori = on; }
  Refusal reset_all(std::uint64_t& shards) override {
    return transact([&] {
      const PgResult row = query("SELECT count(*) FROM sbus_shard", Values());
      shards = static_cast<std::uint64_t>(pg_number(row.get(), 0, 0));
      query("TRUNCATE sbus_shard, sbus_delivery, sbus_log", Values());
      counters_ = {};
      return Refusal{};
    });
  }

  [[nodiscard]] std::uint64_t sequence() const override { return sequence_; }
  [[nodiscard]] bool settle() override { return true; }  // COMMIT has made it durable

 private:
  struct LogRow {
    std::string_view op, agent;
    std::optional<std::string_view> key, content, goal_tag, owner, rationale, read_set;
    std::optional<std::int64_t> version, expected, target;
  };

  PgResult query(const char* statement, const Values& values) {
    const std::vector<const char*> pointers = values.pointers();
    PgResult out = pg_run(connection_.get(), statement, pointers);
    const ExecStatusType status = PQresultStatus(out.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw Failed{pg_is_conflict(out.get()),
                   pg_failure(connection_.get(), "run a statement").what()};
    }
    return out;
  }

  // One statement is a transaction of its own. A lost connection is opened again by the next call.
  template <class Work>
  Refusal attempt(const Work& work) {
    std::string what;
    for (int tries = 0; tries < kMostTries; ++tries) {
      if (PQstatus(connection_.get()) != CONNECTION_OK) PQreset(connection_.get());
      try {
        return work();
      } catch (const Failed& failed) {
        what = failed.what;
        if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) {
          const PgResult ignored = pg_run(connection_.get(), "ROLLBACK");
        }
        if (!failed.conflict) break;
      }
    }
    Refusal out = refuse(BusError::kUnavailable, {});
    out.detail = what;
    return out;
  }
  template <class Work>
  Refusal transact(const Work& work) {
    return attempt([&] {
      query("BEGIN ISOLATION LEVEL READ COMMITTED", Values());
      const Refusal out = work();
      query("COMMIT", Values());
      return out;
    });
  }

  static Refusal refuse(BusError error, std::string_view key, std::int64_t had = 0,
                        std::int64_t found = 0) {
    Refusal out;
    out.error = error;
    out.key = key;
    out.had = had;
    out.found = found;
    return out;
  }

  // The row in kept_.
  void take_view(ShardView& out) {
    const PGresult* row = kept_.get();
    out.key = pg_text(row, 0, 0);
    out.version = pg_number(row, 0, 1);
    out.id = pg_text(row, 0, 2);
    out.content = pg_text(row, 0, 3);
    out.goal_tag = pg_text(row, 0, 4);
    out.owner.reset();
    if (PQgetisnull(row, 0, 5) == 0) out.owner = pg_text(row, 0, 5);
    out.attempts = static_cast<std::uint64_t>(pg_number(row, 0, 6));
    out.conflicts = static_cast<std::uint64_t>(pg_number(row, 0, 7));
    out.log_depth = std::min(static_cast<std::uint64_t>(out.version), options_.max_log_depth);
    out.created_at = pg_number(row, 0, 8);
    out.updated_at = pg_number(row, 0, 9);
    sequence_ = static_cast<std::uint64_t>(pg_number(row, 0, 10));
  }

  void log(const LogRow& row, std::optional<std::uint64_t> sequence) {
    Values values;
    if (sequence) {
      values.add(static_cast<std::int64_t>(*sequence));
    } else {
      values.add_null();
    }
    values.add(row.op).add(row.agent).add(row.key).add(row.version).add(row.expected);
    values.add(row.read_set).add(row.content).add(row.goal_tag).add(row.owner);
    values.add(row.rationale).add(row.target);
    const PgResult made = query(kLog, values);
    sequence_ = static_cast<std::uint64_t>(pg_number(made.get(), 0, 0));
  }

  void deliver(std::string_view agent, std::string_view key, std::int64_t version) {
    query(kDeliver, Values().add(agent).add(key).add(version));
  }

  void write(std::string_view key, std::string_view content, std::int64_t attempts) {
    kept_ =
        query(kWrite, Values().add(key).add(core::sha256_hex(content)).add(content).add(attempts));
    sequence_ = static_cast<std::uint64_t>(pg_number(kept_.get(), 0, 10));
  }

  // R of the specification; false when every delivery to the agent is too old.
  bool effective_read_set(const CommitRequest& request) {
    reads_.clear();
    for (const ReadItem& item : request.read_set) {
      if (item.key != request.key) reads_.push_back(item);
    }
    const auto named = static_cast<std::ptrdiff_t>(reads_.size());
    deliveries_.reset();
    if (request.agent.empty()) return true;
    deliveries_ = query(kDeliveries, Values().add(request.agent));
    const int count = PQntuples(deliveries_.get());
    bool fresh = count == 0;
    for (int i = 0; i < count; ++i) {
      if (pg_number(deliveries_.get(), i, 2) * 1000 >= options_.ttl_ns) continue;
      fresh = true;
      const ReadItem read{pg_text(deliveries_.get(), i, 0), pg_number(deliveries_.get(), i, 1)};
      if (read.key == request.key ||
          std::any_of(reads_.begin(), reads_.begin() + named,
                      [&](const ReadItem& r) { return r.key == read.key; })) {
        continue;
      }
      reads_.push_back(read);
    }
    std::sort(reads_.begin(), reads_.end(),
              [](const ReadItem& x, const ReadItem& y) { return x.key < y.key; });
    return fresh;
  }

  [[nodiscard]] std::optional<LockedShard> locked(std::string_view key) const {
    const PGresult* rows = locks_.get();
    for (int low = 0, high = PQntuples(rows); low < high;) {
      const int middle = (low + high) / 2;
      const std::string_view at = pg_text(rows, middle, 0);
      if (at == key) {
        LockedShard out{pg_number(rows, middle, 1), std::nullopt};
        if (PQgetisnull(rows, middle, 2) == 0) out.owner = pg_text(rows, middle, 2);
        return out;
      }
      (at < key ? low : high) = at < key ? middle + 1 : middle;
    }
    return std::nullopt;
  }

  // All rows of R and of the key are locked before any of them is looked at.
  Refusal commit_step(const CommitRequest& request, CommitAnswer& out, bool& checked,
                      bool& divergent) {
    checked = divergent = false;
    const bool fresh = effective_read_set(request);
    PgArray keys;
    keys.add(request.key);
    for (const ReadItem& read : reads_) keys.add(read.key);
    locks_ = query(kLock, Values().add(keys.text()));
    const auto primary = locked(request.key);
    if (!primary) return refuse(BusError::kShardNotFound, request.key);
    if (!fresh) return refuse(BusError::kSessionExpired, request.key);
    for (const ReadItem& item : request.read_set) {
      if (!locked(item.key)) return refuse(BusError::kShardNotFound, item.key);
    }
    checked = !reads_.empty();
    for (const ReadItem& read : reads_) {
      const std::int64_t current = locked(read.key)->version;
      if (current == read.version) continue;
      divergent = true;
      if (options_.ori) return refuse(BusError::kCrossShardStale, read.key, read.version, current);
      break;
    }
    if (primary->version != request.expected) {
      query(kCountConflict, Values().add(request.key));
      Refusal why =
          refuse(BusError::kVersionMismatch, request.key, request.expected, primary->version);
      why.alone = reads_.empty();
      return why;
    }
    if (primary->owner && *primary->owner != request.agent) {
      query(kCountConflict, Values().add(request.key));
      Refusal why = refuse(BusError::kTokenConflict, request.key);
      why.owner = *primary->owner;
      return why;
    }
    accept(request, primary->version + 1);
    out = {primary->version + 1, pg_text(kept_.get(), 0, 2)};
    return {};
  }

  void accept(const CommitRequest& request, std::int64_t version) {
    write(request.key, request.delta, 1);
    std::string read_set;
    core::JsonWriter json(read_set);
    json.begin_array();
    for (const ReadItem& read : reads_) {
      json.begin_object().field("key", read.key).field("version_at_read", read.version);
      json.end_object();
    }
    json.end_array();
    LogRow row;
    row.op = "commit";
    row.agent = request.agent;
    row.key = request.key;
    row.version = version;
    row.expected = request.expected;
    row.read_set = read_set;
    row.content = request.delta;
    if (!request.rationale.empty()) row.rationale = request.rationale;
    log(row, sequence_);
    if (options_.refresh_own_writes && !request.agent.empty()) {
      deliver(request.agent, request.key, version);
    }
  }

  void count(const Refusal& why, bool checked, bool divergent) {
    if (!why.refused()) {
      ++counters_.commits;
      counters_.view_checked += checked ? 1 : 0;
      counters_.view_divergent += divergent ? 1 : 0;
    } else if (why.error == BusError::kCrossShardStale) {
      ++counters_.cross_shard_stale;
    } else if (why.error == BusError::kVersionMismatch || why.error == BusError::kTokenConflict) {
      ++counters_.conflicts;
    }
  }

  BusOptions options_;
  PgConnection connection_;
  PgResult kept_, locks_, deliveries_;  // what views of the last call point into
  std::vector<ReadItem> reads_;
  BusCounters counters_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

std::unique_ptr<BusStore> open_pg_store(const std::string& conninfo, const BusOptions& options) {
  return std::make_unique<PgStore>(conninfo, options);
}

}  // namespace stateutils::sbus

#else

namespace stateutils::sbus {

std::unique_ptr<BusStore> open_pg_store(const std::string&, const BusOptions&) {
  throw core::environment_error("this program was built without libpq (libpq-dev)");
}

}  // namespace stateutils::sbus

#endif
