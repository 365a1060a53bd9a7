// How the findings of an audit are written: JSON Lines, or text for people.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/io.hpp"
#include "core/jsonl.hpp"
#include "sbus/audit.hpp"

namespace stateutils::sbus_check {

struct SummaryExtras {
  std::optional<std::uint64_t> skipped;       // --skip-bad
  std::optional<std::uint64_t> possible;      // --order interval
  std::optional<std::uint64_t> blind_writes;  // formats without versions
  std::optional<std::uint64_t> unmatched;     // formats with rules
};

class AuditReport {
 public:
  virtual ~AuditReport() = default;
  virtual void begin() {}
  virtual void violation(const sbus::Violation& v) = 0;
  virtual void summary(const sbus::AuditSummary& s, const SummaryExtras& extras) = 0;
  virtual void end() {}
};

// `files` holds more than one name when records must say which file they are from.
[[nodiscard]] std::unique_ptr<AuditReport> json_report(const core::Io& io, core::Output& out,
                                                       const std::vector<std::string>& files,
                                                       bool framed, bool line_buffered);
[[nodiscard]] std::unique_ptr<AuditReport> text_report(core::Output& out,
                                                       const std::vector<std::string>& files);
[[nodiscard]] std::unique_ptr<AuditReport> html_report(core::Output& out,
                                                       const std::vector<std::string>& files);
// The summary's fields in the order of the record.
[[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> summary_fields(
    const sbus::AuditSummary& s, const SummaryExtras& extras);

}  // namespace stateutils::sbus_check
