// The log of a PostgreSQL store as lines of an operation log.
#include "core/error.hpp"
#include "sbus/pg_store.hpp"

#ifdef STATEUTILS_HAVE_LIBPQ

#include <algorithm>
#include <cstring>

#include "sbus/pg.hpp"

namespace stateutils::sbus {
namespace {

constexpr const char* kExport =
    "SELECT json_strip_nulls(json_build_object('ts', ts, 'agent', agent, 'op', op, 'key', key, "
    "'expected_version', expected_version, 'status', 200, 'version', version, 'read_set', "
    "read_set))::text FROM sbus_log ORDER BY seq";

// The rows of a query, a line each.
class PgLines final : public core::ByteSource {
 public:
  explicit PgLines(const std::string& conninfo)
      : core::ByteSource("PostgreSQL"), connection_(pg_connect(conninfo)) {
    if (PQsendQuery(connection_.get(), kExport) != 1 ||
        PQsetSingleRowMode(connection_.get()) != 1) {
      throw pg_failure(connection_.get(), "read the log");
    }
  }
  std::size_t read(char* data, std::size_t size) override {
    while (taken_ == line_.size()) {
      const PgResult row(PQgetResult(connection_.get()));
      if (!row) return 0;
      const ExecStatusType status = PQresultStatus(row.get());
      if (status == PGRES_TUPLES_OK) continue;  // the empty end of the rows
      if (status != PGRES_SINGLE_TUPLE) throw pg_failure(connection_.get(), "read the log");
      line_ = std::string(pg_text(row.get(), 0, 0)) + "\n";
      taken_ = 0;
    }
    const std::size_t part = std::min(size, line_.size() - taken_);
    std::memcpy(data, line_.data() + taken_, part);
    taken_ += part;
    return part;
  }

 private:
  PgConnection connection_;
  std::string line_;
  std::size_t taken_ = 0;
};

}  // namespace

std::unique_ptr<core::ByteSource> open_pg_log(const std::string& conninfo) {
  return std::make_unique<PgLines>(conninfo);
}

}  // namespace stateutils::sbus

#else

namespace stateutils::sbus {

std::unique_ptr<core::ByteSource> open_pg_log(const std::string&) {
  throw core::environment_error("this program was built without libpq (libpq-dev)");
}

}  // namespace stateutils::sbus

#endif
