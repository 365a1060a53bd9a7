// What the users of libpq share. Only for files that are compiled with STATEUTILS_HAVE_LIBPQ.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace stateutils::sbus {

struct PgCloser {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgConnection = std::unique_ptr<PGconn, PgCloser>;
using PgResult = std::unique_ptr<PGresult, PgCloser>;

// "PostgreSQL: cannot ACTION: ..." as kEnvironment.
[[nodiscard]] core::Error pg_failure(PGconn* connection, const char* action);
[[nodiscard]] PgConnection pg_connect(const std::string& conninfo);
// Runs a statement with text parameters (nullptr is NULL) and waits for its result.
PgResult pg_run(PGconn* connection, const char* statement,
                std::span<const char* const> values = {});
[[nodiscard]] std::int64_t pg_number(const PGresult* result, int row, int column);
[[nodiscard]] std::string_view pg_text(const PGresult* result, int row, int column);
// Two transactions met: nothing was done and trying again may help (40001, 40P01).
[[nodiscard]] bool pg_is_conflict(const PGresult* result);
// An array literal of strings or numbers.
class PgArray {
 public:
  void add(std::string_view text);
  void add(std::int64_t number) { separate() += std::to_string(number); }
  [[nodiscard]] std::string text() const { return text_ + "}"; }

 private:
  std::string& separate() { return text_.size() > 1 ? text_ += ',' : text_; }
  std::string text_ = "{";
};

}  // namespace stateutils::sbus
