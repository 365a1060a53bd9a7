// The audit of logs whose lines are in no order: what happened before what follows from request
// intervals, version numbers and reads.
#pragma once

#include <memory>

#include "sbus/audit.hpp"

namespace stateutils::sbus {

class IntervalAuditor {
 public:
  explicit IntervalAuditor(const AuditOptions& options);
  ~IntervalAuditor();

  // Takes an operation; a successful one without start and end is kUsage of the log: false.
  [[nodiscard]] bool add(const OpRecord& record);
  // Reports every violation in the order of lines; true when there was one.
  bool finish(const ViolationSink& sink);
  [[nodiscard]] AuditSummary summary() const;
  [[nodiscard]] std::uint64_t possible() const;  // stale keys whose order is not known

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stateutils::sbus
