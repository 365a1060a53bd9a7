// PostgreSQL at isolation level SERIALIZABLE, in pipeline mode with prepared statements: a step is
// one statement that reads and one transaction of a single statement that checks every version and
// writes, hence two round trips.
#include "core/error.hpp"
#include "sbus/bench.hpp"

#ifdef STATEUTILS_HAVE_LIBPQ

#include <cstring>

#include "sbus/pg.hpp"

namespace stateutils::sbus {
namespace {

constexpr const char* kMakeBenchTables =
    "SET client_min_messages = warning;"
    "CREATE TABLE IF NOT EXISTS sbus_check_bench(key text PRIMARY KEY, version bigint NOT NULL, "
    "content text NOT NULL) WITH (fillfactor = 10);"
    "CREATE TABLE IF NOT EXISTS sbus_check_bench_writes(n bigint NOT NULL);"
    "INSERT INTO sbus_check_bench_writes SELECT 0 WHERE NOT EXISTS "
    "(SELECT 1 FROM sbus_check_bench_writes)";
// Rows are found through the index and updated within their page (the fill factor leaves room), so
// that a transaction locks the rows it reads and not the table or a page of the index: agents on
// keys of their own would else be refused (PostgreSQL manual, "Serializable Isolation Level").
constexpr const char* kSettings[] = {"SET default_transaction_isolation = 'serializable'",
                                     "SET enable_seqscan = off",
                                     "SET enable_bitmapscan = off",
                                     "SET enable_hashjoin = off",
                                     "SET enable_mergejoin = off",
                                     "SET jit = off"};  // a scan that is off counts as a costly one
// The order of $1 is kept: answers are matched by position.
constexpr const char* kReadRows =
    "SELECT t.version, 0 FROM unnest($1::text[]) WITH ORDINALITY AS k(key, at) "
    "JOIN sbus_check_bench t USING (key) ORDER BY k.at";
constexpr const char* kReadCounted =
    "SELECT t.version, (SELECT n FROM sbus_check_bench_writes) "
    "FROM unnest($1::text[]) WITH ORDINALITY AS k(key, at) "
    "JOIN sbus_check_bench t USING (key) ORDER BY k.at";
// $1, $2: the key and the version it must be at; $3, $4: all keys and versions that were read.
constexpr const char* kWriteChecked =
    "UPDATE sbus_check_bench SET version = version + 1, content = 'bench' "
    "WHERE key = $1 AND version = $2 AND NOT EXISTS (SELECT 1 FROM "
    "unnest($3::text[], $4::bigint[]) AS r(key, version) JOIN sbus_check_bench s ON s.key = r.key "
    "WHERE s.version <> r.version)";
// One key was read: its version is checked already.
constexpr const char* kWriteAlone =
    "UPDATE sbus_check_bench SET version = version + 1, content = 'bench' "
    "WHERE key = $1 AND version = $2";
constexpr const char* kWriteCounted =
    "WITH w AS (UPDATE sbus_check_bench SET version = version + 1, content = 'bench' "
    "WHERE key = $1 AND version = $2 AND NOT EXISTS (SELECT 1 FROM "
    "unnest($3::text[], $4::bigint[]) AS r(key, version) JOIN sbus_check_bench s ON s.key = r.key "
    "WHERE s.version <> r.version) RETURNING 1) "
    "UPDATE sbus_check_bench_writes SET n = n + 1 WHERE EXISTS (SELECT 1 FROM w) RETURNING n";

// For statements that must succeed.
PgResult run(PGconn* connection, const char* statement, std::span<const char* const> values = {}) {
  PgResult out = pg_run(connection, statement, values);
  const ExecStatusType status = PQresultStatus(out.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw pg_failure(connection, "run a statement");
  }
  return out;
}

template <class Items>
std::string array_of(const Items& items) {
  PgArray out;
  for (const auto& item : items) out.add(item);
  return out.text();
}

class PgSession final : public BenchSession {
 public:
  PgSession(const std::string& conninfo, bool record)
      : connection_(pg_connect(conninfo)), record_(record) {
    PGconn* const pg = connection_.get();
    for (const char* setting : kSettings) run(pg, setting);
    prepare("read", record ? kReadCounted : kReadRows);
    prepare("write", record ? kWriteCounted : kWriteChecked);
    prepare("write-alone", record ? kWriteCounted : kWriteAlone);
    if (PQsetnonblocking(pg, 1) != 0 || PQenterPipelineMode(pg) != 1) {
      throw pg_failure(pg, "enter pipeline mode");
    }
  }

  [[nodiscard]] int fd() const override { return PQsocket(connection_.get()); }

  void start_read(std::span<const std::string_view> keys) override {
    keys_ = array_of(keys);
    const char* values[] = {keys_.c_str()};
    send("read", values);
    reading_ = true;
  }

  void start_commit(std::span<const std::string_view> keys, std::size_t primary,
                    std::span<const std::int64_t> versions) override {
    const std::string key(keys[primary]), expected = std::to_string(versions[primary]);
    const std::string all = array_of(versions);
    const char* values[] = {key.c_str(), expected.c_str(), keys_.c_str(), all.c_str()};
    const bool alone = keys.size() == 1 && !record_;
    send(alone ? "write-alone" : "write", std::span(values).first(alone ? 2 : 4));
    next_ = versions[primary] + 1;
    reading_ = false;
  }

  bool advance(BenchAnswer& out) override {
    PGconn* const pg = connection_.get();
    if (PQconsumeInput(pg) != 1) throw pg_failure(pg, "receive");
    while (PQisBusy(pg) == 0) {
      const PgResult result(PQgetResult(pg));
      if (!result) continue;  // the end of one statement's results
      if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) return true;
      take(result.get(), out);
    }
    return false;
  }

 private:
  void prepare(const char* name, const char* statement) {
    const PgResult made(PQprepare(connection_.get(), name, statement, 0, nullptr));
    if (PQresultStatus(made.get()) != PGRES_COMMAND_OK) {
      throw pg_failure(connection_.get(), "prepare a statement");
    }
  }

  void send(const char* statement, std::span<const char* const> values) {
    PGconn* const pg = connection_.get();
    if (PQsendQueryPrepared(pg, statement, static_cast<int>(values.size()), values.data(), nullptr,
                            nullptr, 0) != 1 ||
        PQpipelineSync(pg) != 1) {
      throw pg_failure(pg, "send");
    }
    while (PQflush(pg) == 1) continue;
  }

  void take(const PGresult* result, BenchAnswer& out) {
    const ExecStatusType status = PQresultStatus(result);
    out.sequence = 0;
    out.error.clear();
    if (status == PGRES_FATAL_ERROR) {
      if (!pg_is_conflict(result)) throw pg_failure(connection_.get(), "run a statement");
      out.kind = BenchAnswer::Kind::kConflict;
      out.error = "VersionMismatch";
      return;
    }
    const int rows = PQntuples(result);
    if (reading_) {
      out.kind = BenchAnswer::Kind::kRead;
      out.versions.clear();
      out.read_sequences.clear();
      for (int row = 0; row < rows; ++row) {
        out.versions.push_back(pg_number(result, row, 0));
        out.read_sequences.push_back(static_cast<std::uint64_t>(pg_number(result, row, 1)));
      }
      return;
    }
    const bool written =
        record_ ? rows == 1 : std::strcmp(PQcmdTuples(const_cast<PGresult*>(result)), "1") == 0;
    out.kind = written ? BenchAnswer::Kind::kCommitted : BenchAnswer::Kind::kConflict;
    out.version = next_;
    if (!written) out.error = "VersionMismatch";
    if (written && record_) out.sequence = static_cast<std::uint64_t>(pg_number(result, 0, 0));
  }

  PgConnection connection_;
  bool record_;
  std::string keys_;
  bool reading_ = false;
  std::int64_t next_ = 0;
};

class PgTarget final : public BenchTarget {
 public:
  PgTarget(const std::string& conninfo, bool record)
      : conninfo_(conninfo), record_(record), control_(pg_connect(conninfo)) {
    run(control_.get(), kMakeBenchTables);
  }

  void prepare(std::span<const std::string> keys) override {
    if (record_) run(control_.get(), "UPDATE sbus_check_bench_writes SET n = n + 1");
    const std::string all = array_of(keys);
    const char* values[] = {all.c_str()};
    run(control_.get(), "INSERT INTO sbus_check_bench SELECT unnest($1::text[]), 0, ''", values);
  }
  std::unique_ptr<BenchSession> session(const std::string&) override {
    return std::make_unique<PgSession>(conninfo_, record_);
  }
  std::int64_t final_version(const std::string& key) override {
    const char* values[] = {key.c_str()};
    const PgResult row =
        run(control_.get(), "SELECT version FROM sbus_check_bench WHERE key = $1", values);
    return PQntuples(row.get()) == 1 ? pg_number(row.get(), 0, 0) : -1;
  }

 private:
  std::string conninfo_;
  bool record_;
  PgConnection control_;
};

}  // namespace

std::unique_ptr<BenchTarget> pg_target(const std::string& conninfo, bool record) {
  return std::make_unique<PgTarget>(conninfo, record);
}

}  // namespace stateutils::sbus

#else

namespace stateutils::sbus {

std::unique_ptr<BenchTarget> pg_target(const std::string&, bool) {
  throw core::environment_error("this program was built without libpq (libpq-dev)");
}

}  // namespace stateutils::sbus

#endif
