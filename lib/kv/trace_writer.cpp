#include "kv/trace_writer.hpp"

#include "kv/trace_arrange.hpp"
#include "kv/trace_stat.hpp"

namespace stateutils::kv {
namespace {

class RecordWriter {
 public:
  RecordWriter(const Trace& trace, core::JsonWriter& json, std::uint32_t i)
      : trace_(trace), json_(json), i_(i) {}

  void write() {
    json_.field("id", trace_.id_of(i_));
    time("t", trace_.t);
    parents();
    time("gap_s", trace_.gap);
    json_.field("in", trace_.in[i_]).field("out", trace_.out[i_]);
    if (has(trace_.session)) json_.field("session", trace_.sessions[trace_.session[i_]]);
    word("agent", trace_.agent);
    if (has(trace_.turn)) json_.field("turn", trace_.turn[i_]);
    word("tool", trace_.tool);
    if (!trace_.last.empty() && (trace_.last[i_] & kLastGiven) != 0) {
      json_.field("last", trace_.is_last(i_));
    }
    if (has(trace_.steps)) json_.key("steps").raw(trace_.words[trace_.steps[i_]]);
    if (trace_.has_blocks()) blocks();
    word("tenant", trace_.tenant);
    if (!trace_.prio.empty()) json_.field("prio", trace_.prio[i_]);
    slo();
    word("model", trace_.model);
    time("api_s", trace_.api);
    word("stop", trace_.stop);
  }

 private:
  [[nodiscard]] bool has(const std::vector<std::uint32_t>& column) const {
    return !column.empty() && column[i_] != kNone;
  }
  [[nodiscard]] bool has(const std::vector<std::int64_t>& column) const {
    return !column.empty() && column[i_] != kNoTime;
  }
  void time(const char* name, const std::vector<std::int64_t>& column) {
    if (has(column)) json_.field(name, static_cast<double>(column[i_]) / 1e9);
  }
  void word(const char* name, const std::vector<std::uint32_t>& column) {
    if (has(column)) json_.field(name, trace_.words[column[i_]]);
  }
  void parents() {
    if (trace_.parent_end.empty()) return;
    const std::uint32_t from = i_ == 0 ? 0 : trace_.parent_end[i_ - 1], to = trace_.parent_end[i_];
    if (from == to) return;
    if (to - from == 1) {
      json_.field("after", trace_.id_of(trace_.parents[from]));
      return;
    }
    json_.key("parents").begin_array();
    for (std::uint32_t k = from; k < to; ++k) json_.value(trace_.id_of(trace_.parents[k]));
    json_.end_array();
  }
  void blocks() {
    json_.field("block", trace_.block);
    json_.field("scope", trace_.session_scope ? "session" : "global");
    std::uint32_t shift = 0;
    if (!trace_.id_shift.empty()) {
      shift = trace_.id_shift[trace_.session_scope ? std::uint32_t(trace_.session[i_] + 1) : 0];
    }
    json_.key("hash_runs").begin_array();
    for (const Run& run : trace_.runs_of(i_)) {
      json_.begin_array().value(std::uint32_t(run.first + shift)).value(run.count).end_array();
    }
    json_.end_array();
  }
  void slo() {
    if (!has(trace_.slo_ttft) && !has(trace_.slo_tpot)) return;
    json_.key("slo").begin_object();
    time("ttft", trace_.slo_ttft);
    time("tpot", trace_.slo_tpot);
    json_.end_object();
  }

  const Trace& trace_;
  core::JsonWriter& json_;
  std::uint32_t i_;
};

}  // namespace

void write_trace(const Trace& trace, core::JsonlWriter& writer) {
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    RecordWriter(trace, writer.begin(), i).write();
    writer.end();
  }
  writer.trailer([&](core::JsonWriter& json) {
    json.key("partial");
    trace.partial == Partial::kUnknown ? json.null() : json.value(partial_name(trace.partial));
    json.field("dropped", trace.dropped).field("skipped_lines", trace.skipped_lines);
  });
}

}  // namespace stateutils::kv
