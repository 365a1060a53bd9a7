#include "kv/trace_builder.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/rng.hpp"
#include "core/units.hpp"
#include "kv/block_ids.hpp"
#include "kv/trace_arrange.hpp"

namespace stateutils::kv {

using core::quoted;

void RawRecord::clear() {
  std::vector<RawRun> kept_runs = std::move(runs);
  std::vector<std::string_view> kept_parents = std::move(parents);
  kept_runs.clear();
  kept_parents.clear();
  *this = RawRecord{};
  runs = std::move(kept_runs);
  parents = std::move(kept_parents);
}

std::optional<std::int64_t> nanoseconds(double seconds) {
  if (!(seconds >= 0) || seconds > 9.2e9) return std::nullopt;
  return std::llround(seconds * 1e9);
}

struct TraceBuilder::State {
  Trace trace;
  BlockIds blocks;
  std::vector<std::uint32_t> chain_session;  // the id space of each request
  std::vector<std::uint32_t> lines;          // for messages; past 2^32 they all are the last
  std::vector<std::uint32_t> defined;        // text of ids -> request, where trace.id is filled
  std::vector<std::uint32_t> parent_name;    // parents by name until all are known
  bool named = false, any_chain = false;
  std::uint64_t rule_line = 0;
};

TraceBuilder::TraceBuilder(std::string file, TraceOptions options)
    : file_(std::move(file)), options_(std::move(options)), state_(std::make_unique<State>()) {}
TraceBuilder::~TraceBuilder() = default;

void TraceBuilder::fail(std::uint64_t line, const std::string& message) const {
  throw core::input_error({file_, line == 0 ? std::nullopt : std::optional(line), {}}, message);
}

bool TraceBuilder::full() const {
  return options_.limit != 0 && state_->trace.size() >= options_.limit;
}

namespace {

// Columns appear with their first value; earlier records get the empty one.
template <class T>
void put(std::vector<T>& column, std::uint32_t row, const std::optional<T>& value, T empty) {
  if (column.empty() && !value) return;
  column.resize(row, empty);
  column.push_back(value.value_or(empty));
}

void put_word(Names& names, std::vector<std::uint32_t>& column, std::uint32_t row,
              const std::optional<std::string_view>& text) {
  std::optional<std::uint32_t> value;
  if (text) value = names.intern(*text);
  put(column, row, value, kNone);
}

}  // namespace

void TraceBuilder::add_names(const RawRecord& record) {
  State& s = *state_;
  Trace& trace = s.trace;
  const std::uint32_t row = trace.size();
  // Ids that are the index are not stored until someone can refer to them by name.
  if (!s.named && (record.id || !record.parents.empty())) {
    s.named = true;
    for (std::uint32_t i = 0; i < row; ++i) define(record.line, i, std::to_string(i));
  }
  if (s.named) define(record.line, row, record.id ? std::string(*record.id) : std::to_string(row));
  if (!record.parents.empty() || !trace.parent_end.empty()) {
    trace.parent_end.resize(row, static_cast<std::uint32_t>(s.parent_name.size()));
    for (const std::string_view parent : record.parents) {
      s.parent_name.push_back(trace.ids.intern(parent));
    }
    trace.parent_end.push_back(static_cast<std::uint32_t>(s.parent_name.size()));
  }
}

// Texts stand in the order of the requests, and need no numbers of their own, until a request
// follows one that comes later.
void TraceBuilder::define(std::uint64_t line, std::uint32_t request, std::string_view text) {
  State& s = *state_;
  Trace& trace = s.trace;
  if (trace.id.empty() && trace.ids.size() > request) {
    trace.id.resize(request);
    std::iota(trace.id.begin(), trace.id.end(), 0u);
    s.defined = trace.id;
  }
  const std::uint32_t name = trace.ids.intern(text);
  const bool in_order = trace.id.empty();
  if (!in_order && name >= s.defined.size()) s.defined.resize(name + 1, kNone);
  const std::uint32_t known = !in_order ? s.defined[name] : name < request ? name : kNone;
  if (known != kNone) {
    fail(line, "id " + quoted(text) + " is already that of line " + std::to_string(s.lines[known]));
  }
  if (in_order && name == request) return;
  s.defined[name] = request;
  trace.id.push_back(name);
}

void TraceBuilder::add_chain(const RawRecord& record) {
  State& s = *state_;
  const auto add_none = [&s] {
    s.chain_session.push_back(kNone);
    s.blocks.add({}, kNone);
  };
  if (!record.has_blocks) {
    if (s.any_chain) add_none();
    return;
  }
  for (std::uint32_t i = 0; !s.any_chain && i < s.trace.size(); ++i) add_none();
  take_rules(record);
  check_count(record);
  std::uint32_t space = kNone;
  if (s.trace.session_scope) {
    if (!record.session) fail(record.line, "\"session\" is missing: block ids are private to one");
    space = s.trace.session.back();
  }
  s.chain_session.push_back(space);
  s.blocks.add(record.runs, space);
}

// Tokens per block and whose ids they are: the first chain says it for the file.
void TraceBuilder::take_rules(const RawRecord& record) {
  State& s = *state_;
  Trace& trace = s.trace;
  if (!s.any_chain) {
    s.any_chain = true;
    // A file of sessions that says neither block nor scope has ids private to its sessions.
    const std::string scope = record.scope                      ? std::string(*record.scope)
                              : options_.scope                  ? *options_.scope
                              : record.session && !record.block ? "session"
                                                                : "global";
    trace.session_scope = scope == "session";
    const std::uint64_t block =
        record.block.value_or(options_.block.value_or(record.session ? 64 : 0));
    if (block == 0) fail(record.line, "block ids without \"block\"; --block supplies it");
    if (block > 1u << 20) fail(record.line, "\"block\": " + std::to_string(block) + " tokens");
    trace.block = static_cast<std::uint32_t>(block);
  } else if (record.block && *record.block != trace.block) {
    fail(record.line, "\"block\" is " + std::to_string(*record.block) + " here and " +
                          std::to_string(trace.block) + " before");
  }
  if (record.scope && *record.scope != "session" && *record.scope != "global") {
    fail(record.line, "\"scope\": " + quoted(*record.scope) + " is neither global nor session");
  }
  if (record.scope && (*record.scope == "session") != trace.session_scope) {
    fail(record.line, "\"scope\" differs from that of the records before");
  }
}

// As many ids as the prompt has blocks, with or without the last partial one, by one rule a file.
void TraceBuilder::check_count(const RawRecord& record) {
  State& s = *state_;
  Trace& trace = s.trace;
  const std::uint64_t floor = record.in / trace.block;
  const std::uint64_t ceil = floor + (record.in % trace.block != 0 ? 1 : 0);
  std::uint64_t count = 0;
  for (const RawRun& run : record.runs) {
    if (run.count > ceil ||
        (!record.opaque_ids && (run.first > 1ull << 63 || run.first + run.count > 1ull << 63))) {
      fail(record.line, "block run [" + std::to_string(run.first) + "," +
                            std::to_string(run.count) + "] is longer than the prompt or past 2^63");
    }
    if ((count += run.count) > ceil) break;
  }
  if (count != floor && count != ceil) {
    fail(record.line, std::to_string(count) + (count > ceil ? " or more" : "") + " block ids for " +
                          std::to_string(record.in) + " tokens in blocks of " +
                          std::to_string(trace.block) + ", neither " + std::to_string(floor) +
                          " nor " + std::to_string(ceil));
  }
  if (floor == ceil) return;
  const Partial here = count == ceil ? Partial::kCeil : Partial::kFloor;
  if (trace.partial == Partial::kUnknown) {
    s.rule_line = record.line;
  } else if (trace.partial != here) {
    fail(record.line,
         "the last partial block " +
             std::string(count == ceil ? "has an id here, not" : "has no id here, but") +
             " at line " + std::to_string(s.rule_line));
  }
  trace.partial = here;
}

void TraceBuilder::add(const RawRecord& record) {
  State& s = *state_;
  Trace& trace = s.trace;
  const std::uint32_t row = trace.size();
  constexpr std::uint64_t kMost = kNone - 1;
  if (row == kNone - 1) fail(record.line, "more than 2^32 requests");
  if (record.in == 0) fail(record.line, "\"in\" is 0: a prompt has a token at least");
  if (record.in > kMost) fail(record.line, "\"in\": " + std::to_string(record.in) + " tokens");
  if (record.out > kMost) fail(record.line, "\"out\": " + std::to_string(record.out) + " tokens");
  add_names(record);
  put_word(trace.sessions, trace.session, row, record.session);
  put_word(trace.words, trace.agent, row, record.agent);
  put_word(trace.words, trace.tool, row, record.tool);
  put_word(trace.words, trace.model, row, record.model);
  put_word(trace.words, trace.stop, row, record.stop);
  put_word(trace.words, trace.tenant, row, record.tenant);
  put_word(trace.words, trace.steps, row, record.steps);
  put(trace.t, row, record.t, kNoTime);
  put(trace.gap, row, record.gap, kNoTime);
  put(trace.api, row, record.api, kNoTime);
  put(trace.slo_ttft, row, record.slo_ttft, kNoTime);
  put(trace.slo_tpot, row, record.slo_tpot, kNoTime);
  put(trace.turn, row, record.turn, kNone);
  put(trace.prio, row, record.prio, 0.0);
  std::optional<std::uint8_t> last;
  if (record.last) last = static_cast<std::uint8_t>(kLastGiven | (*record.last ? kLast : 0));
  put(trace.last, row, last, std::uint8_t{0});
  add_chain(record);
  s.lines.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(record.line, kNone)));
  trace.in.push_back(static_cast<std::uint32_t>(record.in));
  trace.out.push_back(static_cast<std::uint32_t>(record.out));
}

void TraceBuilder::link_parents(Trace& trace) {
  State& s = *state_;
  const auto request_of = [&s, &trace](std::uint32_t name) {
    if (!trace.id.empty()) return name < s.defined.size() ? s.defined[name] : kNone;
    return name < trace.size() ? name : kNone;
  };
  trace.parents.reserve(s.parent_name.size());
  for (std::uint32_t i = 0; i < trace.size() && !trace.parent_end.empty(); ++i) {
    for (std::uint32_t k = i == 0 ? 0 : trace.parent_end[i - 1]; k < trace.parent_end[i]; ++k) {
      const std::uint32_t request = request_of(s.parent_name[k]);
      if (request == kNone) {
        fail(s.lines[i], "follows request " + quoted(trace.ids[s.parent_name[k]]) +
                             ", which the trace does not hold");
      }
      trace.parents.push_back(request);
    }
  }
  s.defined = std::vector<std::uint32_t>();
  if (trace.parents.empty()) return;
  if (const auto request = find_cycle(trace)) {
    fail(s.lines[*request], "request " + quoted(trace.id_of(*request)) + " follows itself");
  }
}

void TraceBuilder::arrange(Trace& trace) {
  State& s = *state_;
  std::vector<std::uint32_t> order;
  if (options_.session_arrival) {
    place_sessions(trace,
                   session_starts(*options_.session_arrival, trace.sessions.size(), options_.seed));
  }
  trace.seen = seen_times(trace);
  if (options_.sort || options_.session_arrival) {
    order.resize(trace.size());
    std::iota(order.begin(), order.end(), 0u);
    std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return trace.seen_at(i); });
    permute(trace, order);
    return;
  }
  std::int64_t before = kNoTime;
  std::uint64_t before_line = 0;
  for (std::uint32_t i = 0; i < trace.t.size(); ++i) {
    if (trace.t[i] == kNoTime) continue;
    if (trace.t[i] < before) {
      fail(s.lines[i], "arrives at " + core::format_double(static_cast<double>(trace.t[i]) / 1e9) +
                           " s, before line " + std::to_string(before_line) +
                           "; --sort or --session-arrival puts requests in order");
    }
    before = trace.t[i];
    before_line = s.lines[i];
  }
}

Trace TraceBuilder::finish(const std::string& format) {
  State& s = *state_;
  Trace& trace = s.trace;
  if (trace.size() == 0) fail(0, "the trace holds no request");
  trace.format = format;
  trace.dropped = dropped_;
  trace.skipped_lines = skipped_lines_;
  const std::uint32_t rows = trace.size();
  const auto pad = [rows](auto& column, auto empty) {
    if (!column.empty()) column.resize(rows, empty);
  };
  pad(trace.parent_end, static_cast<std::uint32_t>(s.parent_name.size()));
  link_parents(trace);
  if (s.any_chain) {
    s.blocks.finish(trace, s.chain_session);
    if (const auto broken = find_law_break(trace)) {
      trace.chains = false;
      if (!options_.lenient) {
        fail(s.lines[broken->request],
             "a block has another parent than at line " + std::to_string(s.lines[broken->other]) +
                 " (equal ids must mean equal prefixes); --lenient takes blocks as independent");
      }
    }
  }
  arrange(trace);
  if (!s.any_chain && options_.prefix == "session") {
    chain_sessions(trace, static_cast<std::uint32_t>(options_.block.value_or(64)));
  }
  mark_last_records(trace);
  return std::move(trace);
}

std::vector<std::int64_t> session_starts(const std::string& text, std::uint32_t sessions,
                                         std::uint64_t seed) {
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const double value =
      core::parse_double(colon == std::string::npos ? "" : text.substr(colon + 1)).value_or(-1);
  const bool fixed = kind == "fixed";
  if ((!fixed && kind != "poisson") || value < 0 || (!fixed && value == 0) || value > 1e9) {
    throw core::usage_error("--session-arrival " + quoted(text) +
                            " is neither fixed:SECONDS nor poisson:RATE");
  }
  std::vector<std::int64_t> starts(sessions);
  core::Rng rng(seed, 0x5e55);
  double at = 0;
  for (std::uint32_t i = 0; i < sessions; ++i) {
    const auto ns = nanoseconds(fixed ? value * i : at);
    if (!ns) throw core::usage_error("--session-arrival: session starts past 292 years");
    starts[i] = *ns;
    if (!fixed) at += -std::log1p(-rng.unit()) / value;
  }
  return starts;
}

}  // namespace stateutils::kv
