#include "sbus/oplog.hpp"

#include <cmath>

namespace stateutils::sbus {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// In the order in which writers put them, which is the fastest to match.
enum Field {
  kTs,
  kStart,
  kEnd,
  kAgent,
  kOp,
  kKey,
  kExpected,
  kStatus,
  kVersion,
  kReadSet,
  kError,
  kKeys
};
constexpr std::array<std::string_view, 12> kOpNames{
    "ts",     "start",   "end",      "agent", "op",  "key", "expected_version",
    "status", "version", "read_set", "error", "keys"};
constexpr std::array<std::string_view, 7> kOps{"create",  "get",      "commit", "rollback",
                                               "session", "register", "expire"};

core::Error wrong(const core::Record& record, std::string_view name, const char* expected) {
  return record.error(core::quoted(name) + ": expected " + expected);
}

std::string_view text(const core::Record& record, std::string_view name, const element& value) {
  std::string_view out;
  if (value.get(out) != simdjson::SUCCESS) throw wrong(record, name, "a string");
  return out;
}

std::int64_t integer(const core::Record& record, std::string_view name, const element& value) {
  if (value.type() != element_type::INT64) throw wrong(record, name, "a 64-bit integer");
  return value.get_int64().value_unsafe();
}

std::int64_t version(const core::Record& record, std::string_view name, const element& value) {
  const std::int64_t out = integer(record, name, value);
  if (out < 0) throw wrong(record, name, "a version, which is not negative");
  return out;
}

// Nanoseconds: an integer, or seconds as a fraction.
std::int64_t time_of(const core::Record& record, const element& value) {
  if (value.type() != element_type::DOUBLE) return integer(record, "ts", value);
  const double ns = std::round(value.get_double().value_unsafe() * 1e9);
  if (!(std::fabs(ns) < 9.2e18)) throw wrong(record, "ts", "a time within 292 years of the epoch");
  return static_cast<std::int64_t>(ns);
}

ReadItem read_item(const core::Record& record, const element& value) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) throw wrong(record, "read_set", "objects");
  std::optional<std::string_view> key;
  std::optional<std::int64_t> at;
  for (const auto field : object) {
    if (field.key == "key") {
      if (key) throw record.error("\"read_set\": \"key\" appears twice");
      key = text(record, "key", field.value);
    } else if (field.key == "version_at_read") {
      if (at) throw record.error("\"read_set\": \"version_at_read\" appears twice");
      at = version(record, "version_at_read", field.value);
    }
  }
  if (!key) throw record.error("\"read_set\": \"key\" is missing");
  if (!at) throw record.error("\"read_set\": \"version_at_read\" is missing");
  return {*key, *at};
}

simdjson::dom::array array_of(const core::Record& record, std::string_view name,
                              const element& value) {
  simdjson::dom::array out;
  if (value.get(out) != simdjson::SUCCESS) throw wrong(record, name, "an array");
  return out;
}

}  // namespace

std::string_view op_name(Op op) {
  return kOps[static_cast<std::size_t>(op)];
}

std::optional<Op> op_by_name(std::string_view name) {
  for (std::size_t i = 0; i < kOps.size(); ++i) {
    if (kOps[i] == name) return static_cast<Op>(i);
  }
  return std::nullopt;
}

void OplogDecoder::decode(const core::Record& record, OpRecord& out) {
  static_assert(kOpNames.size() == kFields);
  record.match(kOpNames, values_);
  // An optional field may be null; a required one may not, and fails as a wrong kind.
  const auto given = [&](Field f) { return values_[f] && !values_[f]->is_null(); };
  const auto require = [&](Field f) -> const element& {
    if (!values_[f]) throw record.error(core::quoted(kOpNames[f]) + " is missing");
    return *values_[f];
  };
  const std::string_view op = text(record, "op", require(kOp));
  const auto known = op_by_name(op);
  if (!known) throw record.error("\"op\": " + core::quoted(op) + " is no operation");
  out.op = *known;
  const std::int64_t status = integer(record, "status", require(kStatus));
  if (status < 0 || status > 999) throw wrong(record, "status", "an HTTP status");
  out.status = static_cast<int>(status);
  const bool names_key = out.op != Op::kSession && out.op != Op::kRegister && out.op != Op::kExpire;
  out.key = {};
  if (names_key) out.key = text(record, "key", require(kKey));
  out.agent = {};
  if (out.op != Op::kCreate && out.op != Op::kRollback) {
    out.agent = text(record, "agent", require(kAgent));
  } else if (given(kAgent)) {
    out.agent = text(record, "agent", *values_[kAgent]);
  }
  out.version.reset();
  if (names_key && out.succeeded()) {
    out.version = version(record, "version", require(kVersion));
  } else if (given(kVersion)) {
    out.version = version(record, "version", *values_[kVersion]);
  }
  out.expected.reset();
  if (out.op == Op::kCommit) {
    out.expected = version(record, "expected_version", require(kExpected));
  }
  out.ts.reset();
  if (given(kTs)) out.ts = time_of(record, *values_[kTs]);
  out.start.reset();
  out.end.reset();
  if (given(kStart)) out.start = integer(record, "start", *values_[kStart]);
  if (given(kEnd)) out.end = integer(record, "end", *values_[kEnd]);
  if (out.start && out.end && *out.start > *out.end) {
    throw record.error("\"start\" is after \"end\"");
  }
  out.error = {};
  if (given(kError)) out.error = text(record, "error", *values_[kError]);
  out.read_set.clear();
  out.whole_read_set = false;
  if (given(kReadSet)) {
    for (const element item : array_of(record, "read_set", *values_[kReadSet])) {
      out.read_set.push_back(read_item(record, item));
    }
  }
  out.keys.clear();
  if (out.op == Op::kRegister) {
    for (const element item : array_of(record, "keys", require(kKeys))) {
      out.keys.push_back(text(record, "keys", item));
    }
  }
  out.line = record.line();
}

}  // namespace stateutils::sbus
