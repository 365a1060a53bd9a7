#ifdef STATEUTILS_HAVE_LIBPQ

#include "sbus/pg.hpp"

#include <cstring>
#include <new>

#include "core/units.hpp"

namespace stateutils::sbus {

core::Error pg_failure(PGconn* connection, const char* action) {
  std::string text = PQerrorMessage(connection);
  text = text.substr(0, text.find('\n'));
  return core::environment_error(std::string("PostgreSQL: cannot ") + action + ": " + text);
}

PgConnection pg_connect(const std::string& conninfo) {
  PgConnection out(PQconnectdb(conninfo.c_str()));
  if (!out) throw std::bad_alloc();
  if (PQstatus(out.get()) != CONNECTION_OK) throw pg_failure(out.get(), "connect");
  return out;
}

PgResult pg_run(PGconn* connection, const char* statement, std::span<const char* const> values) {
  PgResult out(values.empty() ? PQexec(connection, statement)
                              : PQexecParams(connection, statement, static_cast<int>(values.size()),
                                             nullptr, values.data(), nullptr, nullptr, 0));
  return out;
}

std::int64_t pg_number(const PGresult* result, int row, int column) {
  return core::parse_i64(PQgetvalue(result, row, column)).value_or(0);
}

std::string_view pg_text(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column),
          static_cast<std::size_t>(PQgetlength(result, row, column))};
}

bool pg_is_conflict(const PGresult* result) {
  const char* const code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return code != nullptr && (std::strcmp(code, "40001") == 0 || std::strcmp(code, "40P01") == 0);
}

void PgArray::add(std::string_view text) {
  separate() += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

}  // namespace stateutils::sbus

#endif
