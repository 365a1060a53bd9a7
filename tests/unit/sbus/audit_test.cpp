#include "sbus/audit.hpp"

#include <doctest.h>

#include <string>

#include "core/error.hpp"
#include "core/input.hpp"
#include "core/jsonl.hpp"
#include "sbus/delivery_log.hpp"
#include "sbus/interval_audit.hpp"
#include "sbus/names.hpp"
#include "sbus/oplog.hpp"
#include "sbus/version_set.hpp"

using namespace stateutils;

namespace {

template <class Visit>
void for_each_op(std::string_view text, Visit visit) {
  const auto source = core::memory_input(text);
  core::JsonlReader reader(*source, {.format = "oplog"});
  sbus::OplogDecoder decoder;
  sbus::OpRecord record;
  while (const core::Record* line = reader.next()) {
    decoder.decode(*line, record);
    visit(record);
  }
}

void add_all(sbus::IntervalAuditor& auditor, std::string_view text) {
  for_each_op(text, [&](const sbus::OpRecord& record) { REQUIRE(auditor.add(record)); });
}

struct Run {
  sbus::AuditSummary summary;
  std::string findings;  // "ww k 0<1 @3 [1 2 3]" ...
};

Run audit(std::string_view text, sbus::AuditOptions options = {}) {
  Run out;
  const auto at = [](const sbus::WitnessRecord& r) {
    return r.line ? std::to_string(*r.line) : "?";
  };
  sbus::Auditor auditor(options, [&](const sbus::Violation& v) {
    const bool ww = v.kind == sbus::ViolationKind::kWw;
    out.findings += out.findings.empty() ? "" : "; ";
    out.findings += (ww ? "ww " : "xs ") + std::string(ww ? v.key : v.stale_key) + ' ' +
                    std::to_string(v.read_version) + '<' + std::to_string(v.current_version) +
                    " @" + std::to_string(v.line) + " [" + at(v.read) + ' ' + at(v.overwrite) +
                    ' ' + at(v.commit) + ']';
  });
  for_each_op(text, [&](const sbus::OpRecord& record) { auditor.apply(record); });
  out.summary = auditor.summary();
  return out;
}

std::string refusal(std::string_view text) {
  try {
    (void)audit(text);
  } catch (const core::Error& error) {
    CHECK(error.category() == core::Category::kInput);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a lost update and its witness") {
  const Run run = audit(R"({"op":"get","agent":"a","key":"k","status":200,"version":0}
{"op":"commit","agent":"b","key":"k","status":200,"expected_version":0,"version":1}
{"op":"commit","agent":"a","key":"k","status":200,"expected_version":0,"version":2}
)");
  CHECK(run.findings == "ww k 0<1 @3 [1 2 3]");
  CHECK(run.summary.ww == 1);
  CHECK(run.summary.xs_commits == 0);
}

TEST_CASE("stale reads in key order, each with its witness, after the lost update") {
  const Run run = audit(R"({"op":"get","agent":"a","key":"z","status":200,"version":0}
{"op":"get","agent":"a","key":"b","status":200,"version":0}
{"op":"commit","agent":"b","key":"z","status":200,"expected_version":0,"version":1}
{"op":"rollback","key":"b","status":200,"version":1}
{"op":"commit","agent":"a","key":"k","status":200,"expected_version":5,"version":1}
)");
  CHECK(run.findings == "ww k 5<0 @5 [? ? 5]; xs b 0<1 @5 [2 4 5]; xs z 0<1 @5 [1 3 5]");
  CHECK(run.summary.xs_commits == 1);
  CHECK(run.summary.xs_pairs == 2);
}

TEST_CASE("own writes refresh the delivery log, or do not") {
  const std::string_view log = R"({"op":"get","agent":"a","key":"x","status":200,"version":0}
{"op":"commit","agent":"a","key":"x","status":200,"expected_version":0,"version":1}
{"op":"commit","agent":"a","key":"y","status":200,"expected_version":0,"version":1}
)";
  CHECK(audit(log).findings.empty());
  CHECK(audit(log, {.refresh_own_writes = false}).findings == "xs x 0<1 @3 [1 2 3]");
}

TEST_CASE("an explicit read set wins over the delivery log") {
  const std::string_view log = R"({"op":"get","agent":"a","key":"x","status":200,"version":0}
{"op":"commit","agent":"b","key":"x","status":200,"expected_version":0,"version":1}
{"op":"commit","agent":"a","key":"y","status":200,"expected_version":0,"version":1,"read_set":[{"key":"x","version_at_read":1},{"key":"unseen","version_at_read":9}]}
)";
  CHECK(audit(log).findings.empty());
  CHECK(audit(log).summary.view_checked == 1);
}

TEST_CASE("a delivery is too old from its TTL on; without ts it never is") {
  const auto log = [](const std::string& first, const std::string& last) {
    return R"({)" + first + R"("op":"get","agent":"a","key":"x","status":200,"version":0}
{"op":"commit","agent":"b","key":"x","status":200,"expected_version":0,"version":1}
{)" + last +
           R"("op":"commit","agent":"a","key":"y","status":200,"expected_version":0,"version":1}
)";
  };
  const sbus::AuditOptions ttl{.ttl_ns = 10};
  CHECK(audit(log(R"("ts":5,)", R"("ts":14,)"), ttl).summary.xs_pairs == 1);
  CHECK(audit(log(R"("ts":5,)", R"("ts":15,)"), ttl).summary.xs_pairs == 0);
  CHECK(audit(log("", R"("ts":15,)"), ttl).summary.xs_pairs == 1);
  CHECK(audit(log(R"("ts":5,)", ""), ttl).summary.xs_pairs == 1);
  CHECK(audit(log(R"("ts":15,)", R"("ts":5,)"), ttl).summary.xs_pairs == 1);
  CHECK(audit(log(R"("ts":5e-9,)", R"("ts":1.5e-8,)"), ttl).summary.xs_pairs == 0);
}

TEST_CASE("register fills gaps only, session clears") {
  CHECK(audit(R"({"op":"create","key":"x","status":201,"version":0}
{"op":"register","agent":"a","status":200,"keys":["x","unseen"]}
{"op":"commit","agent":"b","key":"x","status":200,"expected_version":0,"version":1}
{"op":"register","agent":"a","status":200,"keys":["x"]}
{"op":"commit","agent":"a","key":"y","status":200,"expected_version":0,"version":1}
{"op":"session","agent":"a","status":200}
{"op":"commit","agent":"a","key":"y","status":200,"expected_version":1,"version":2}
)")
            .findings == "xs x 0<1 @5 [2 3 5]");
}

TEST_CASE("a write that has left the window keeps what is known") {
  std::string log = R"({"op":"get","agent":"a","key":"x","status":200,"version":0}
)";
  for (int i = 0; i < 5; ++i) {
    log += R"({"op":"commit","agent":"b","key":"x","status":200,"expected_version":)" +
           std::to_string(i) + R"(,"version":)" + std::to_string(i + 1) + "}\n";
  }
  log += R"({"op":"commit","agent":"a","key":"x","status":200,"expected_version":0,"version":6}
)";
  CHECK(audit(log, {.window = 5}).findings == "ww x 0<5 @7 [1 2 7]");
  CHECK(audit(log, {.window = 4}).findings == "ww x 0<5 @7 [1 ? 7]");
  CHECK(audit(log, {.window = 0}).findings == "ww x 0<5 @7 [1 2 7]");
}

TEST_CASE("server-side trouble is counted") {
  const sbus::AuditSummary sum =
      audit(R"({"op":"get","agent":"a","key":"x","status":200,"version":3}
{"op":"get","agent":"a","key":"x","status":304,"version":2}
{"op":"commit","agent":"b","key":"x","status":409,"expected_version":3,"error":"VersionMismatch"}
{"op":"commit","agent":"b","key":"x","status":409,"expected_version":3,"error":"TokenConflict"}
{"op":"commit","agent":"b","key":"x","status":200,"expected_version":3,"version":5}
{"op":"commit","agent":"","key":"x","status":200,"expected_version":5,"version":5}
)")
          .summary;
  CHECK(sum.stale_get == 1);
  CHECK(sum.spurious_409 == 1);
  CHECK(sum.rejected == 2);
  CHECK(sum.version_gaps == 2);
  CHECK(sum.dup_versions == 1);
  CHECK(sum.agents == 2);
  CHECK(sum.shards == 1);
}

TEST_CASE("bad records name their line and field") {
  CHECK(refusal("") == "accepted");
  CHECK(refusal(R"({"op":"get","agent":"a","status":200,"version":1})") ==
        "(memory):1: \"key\" is missing");
  CHECK(refusal(R"({"op":"get","key":"k","status":200,"version":1})").find("\"agent\"") !=
        std::string::npos);
  CHECK(refusal(R"({"op":"get","agent":"a","key":"k","status":200})").find("\"version\"") !=
        std::string::npos);
  CHECK(refusal(R"({"op":"get","agent":"a","key":"k","status":404})") == "accepted");
  CHECK(refusal(R"({"op":"put","agent":"a","key":"k","status":200})").find("no operation") !=
        std::string::npos);
  CHECK(refusal(R"({"op":"get","agent":"a","key":"k","status":200,"version":-1})")
            .find("not negative") != std::string::npos);
  CHECK(refusal(R"({"op":"get","agent":"a","key":"k","status":200,"version":9223372036854775808})")
            .find("64-bit") != std::string::npos);
  CHECK(refusal(R"({"op":"get","agent":"a","key":"k","key":"l","status":200,"version":0})")
            .find("twice") != std::string::npos);
  CHECK(refusal(R"({"op":"commit","agent":"a","key":"k","status":409})")
            .find("\"expected_version\"") != std::string::npos);
  CHECK(
      refusal(
          R"({"op":"commit","agent":"a","key":"k","status":409,"expected_version":0,"read_set":[{"key":"x"}]})")
          .find("version_at_read") != std::string::npos);
  CHECK(refusal(R"({"op":"get","agent":"a","key":"k","status":200,"version":0,"start":2,"end":1})")
            .find("\"start\" is after \"end\"") != std::string::npos);
  CHECK(refusal(R"({"op":"get","agent":"a","key":"k","status":200,"version":0,"ts":1e300})")
            .find("\"ts\"") != std::string::npos);
}

TEST_CASE("interval order: definite, possible or none by what happened before") {
  const auto run = [](int write_start, int write_end) {
    const std::string text =
        R"({"op":"commit","agent":"a","key":"y","status":200,"expected_version":0,"version":1,"start":30,"end":40}
{"op":"get","agent":"a","key":"x","status":200,"version":0,"start":10,"end":12}
{"op":"commit","agent":"b","key":"x","status":200,"expected_version":0,"version":1,"start":)" +
        std::to_string(write_start) + R"(,"end":)" + std::to_string(write_end) + "}\n";
    sbus::IntervalAuditor auditor({});
    add_all(auditor, text);
    std::string found = "none";
    (void)auditor.finish([&](const sbus::Violation& v) {
      CHECK(v.read.line == 2);
      CHECK(v.overwrite.line == 3);
      CHECK(v.commit.line == 1);
      found = v.definite ? "definite" : "possible";
    });
    return found;
  };
  CHECK(run(20, 29) == "definite");
  CHECK(run(20, 30) == "possible");
  CHECK(run(35, 50) == "possible");
  CHECK(run(41, 50) == "none");
}

TEST_CASE("interval order: a chain through a read decides") {
  // b's write overlaps c's commit, but c read a value written after it.
  constexpr std::string_view text =
      R"({"op":"get","agent":"c","key":"x","status":200,"version":0,"start":1,"end":2}
{"op":"commit","agent":"b","key":"x","status":200,"expected_version":0,"version":1,"start":5,"end":50}
{"op":"commit","agent":"b","key":"z","status":200,"expected_version":0,"version":1,"start":6,"end":50}
{"op":"get","agent":"c","key":"z","status":200,"version":1,"start":10,"end":11}
{"op":"commit","agent":"c","key":"y","status":200,"expected_version":0,"version":1,"start":20,"end":30}
{"op":"commit","agent":"d","key":"w","status":200,"expected_version":3,"version":9,"start":20,"end":30}
)";
  sbus::IntervalAuditor auditor({});
  add_all(auditor, text);
  std::string found;
  CHECK(auditor.finish([&](const sbus::Violation& v) {
    found += (v.kind == sbus::ViolationKind::kWw ? "ww@" : "xs@") + std::to_string(v.line) +
             (v.definite ? " definite;" : " possible;");
  }));
  CHECK(found == "xs@5 definite;ww@6 definite;");
}

TEST_CASE("interval order: what the clocks prove about gets and refusals") {
  constexpr std::string_view text =
      R"({"op":"commit","agent":"b","key":"x","status":200,"expected_version":0,"version":1,"start":10,"end":20}
{"op":"get","agent":"c","key":"x","status":200,"version":0,"start":15,"end":30}
{"op":"get","agent":"c","key":"x","status":200,"version":0,"start":21,"end":30}
{"op":"commit","agent":"d","key":"x","status":409,"expected_version":1,"start":21,"end":30}
{"op":"commit","agent":"d","key":"x","status":409,"expected_version":1,"start":15,"end":30}
{"op":"commit","agent":"d","key":"x","status":409,"expected_version":0,"start":1,"end":9}
{"op":"commit","agent":"c","key":"x","status":409,"expected_version":1,"start":31,"end":32,"read_set":[{"key":"y","version_at_read":0}]}
{"op":"commit","agent":"e","key":"y","status":200,"expected_version":0,"version":1,"start":32,"end":40}
{"op":"commit","agent":"d","key":"x","status":409,"expected_version":1,"error":"TokenConflict","start":21,"end":30}
)";
  sbus::IntervalAuditor auditor({});
  add_all(auditor, text);
  CHECK_FALSE(auditor.finish([](const sbus::Violation&) {}));
  CHECK(auditor.summary().stale_get == 1);     // line 3, not line 2
  CHECK(auditor.summary().spurious_409 == 2);  // lines 4 and 6: the others may have lost a race
  CHECK(auditor.summary().rejected == 5);
}

TEST_CASE("versions seen once, as intervals") {
  sbus::VersionSet set;
  CHECK(set.insert(5));
  CHECK_FALSE(set.insert(5));
  CHECK(set.insert(9));
  CHECK(set.insert(7));
  CHECK_FALSE(set.insert(7));
  CHECK(set.insert(6));
  CHECK(set.insert(8));
  CHECK(set.insert(0));
  CHECK_FALSE(set.insert(8));
  CHECK(set.insert(INT64_MAX));
  CHECK(set.insert(10));
}

TEST_CASE("delivery logs and names beyond their small sizes") {
  sbus::DeliveryLog log;
  for (std::uint32_t key = 0; key < 1000; ++key) log.set({.key = key * 7, .version = key});
  for (std::uint32_t key = 0; key < 1000; key += 2) log.set({.key = key * 7, .version = 1});
  CHECK(log.entries().size() == 1000);
  CHECK(log.find(7 * 999)->version == 999);
  CHECK(log.find(7 * 998)->version == 1);
  CHECK(log.find(1) == nullptr);
  log.clear();
  CHECK(log.find(7) == nullptr);
  sbus::Names names;
  for (int i = 0; i < 1000; ++i) CHECK(names.number("n" + std::to_string(i)) == i);
  CHECK(names.number("n77") == 77);
  CHECK(names.find("n999") == 999);
  CHECK(names.find("other") == sbus::Names::kNone);
}
