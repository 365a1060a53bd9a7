#include "kv/trace_arrange.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"

namespace stateutils::kv {

std::optional<std::uint32_t> find_cycle(const Trace& trace) {
  if (trace.parents.empty()) return std::nullopt;
  // Kahn: take away requests whose parents are gone; what stays is on or behind a cycle.
  const std::uint32_t n = trace.size();
  std::vector<std::uint32_t> waiting(n), child_end(n + 1, 0), children(trace.parents.size());
  for (const std::uint32_t parent : trace.parents) ++child_end[parent + 1];
  for (std::uint32_t i = 0; i < n; ++i) child_end[i + 1] += child_end[i];
  std::vector<std::uint32_t> fill(child_end.begin(), child_end.end() - 1);
  std::vector<std::uint32_t> ready;
  for (std::uint32_t i = 0; i < n; ++i) {
    const std::uint32_t from = i == 0 ? 0 : trace.parent_end[i - 1];
    waiting[i] = trace.parent_end[i] - from;
    for (std::uint32_t k = from; k < trace.parent_end[i]; ++k) {
      children[fill[trace.parents[k]]++] = i;
    }
    if (waiting[i] == 0) ready.push_back(i);
  }
  for (std::size_t at = 0; at < ready.size(); ++at) {
    for (std::uint32_t k = child_end[ready[at]]; k < child_end[ready[at] + 1]; ++k) {
      if (--waiting[children[k]] == 0) ready.push_back(children[k]);
    }
  }
  if (ready.size() == n) return std::nullopt;
  return static_cast<std::uint32_t>(std::ranges::find_if(waiting, [](auto w) { return w > 0; }) -
                                    waiting.begin());
}

void place_sessions(Trace& trace, std::span<const std::int64_t> starts) {
  if (trace.session.empty()) return;
  if (trace.t.empty()) trace.t.assign(trace.size(), kNoTime);
  trace.t.resize(trace.size(), kNoTime);
  trace.session.resize(trace.size(), kNone);
  std::vector<bool> placed(starts.size(), false);
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    const std::uint32_t session = trace.session[i];
    if (session == kNone) continue;
    if (trace.t[i] != kNoTime) {
      trace.t[i] += starts[session];
    } else if (!placed[session]) {
      trace.t[i] = starts[session];
    }
    placed[session] = true;
  }
}

std::vector<std::int64_t> seen_times(const Trace& trace) {
  std::vector<std::int64_t> seen;
  if (trace.t.empty()) return seen;
  seen.resize(trace.size());
  std::vector<std::int64_t> of_session(trace.sessions.size(), kNoTime);
  std::int64_t before = 0;
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    const std::uint32_t session = i < trace.session.size() ? trace.session[i] : kNone;
    std::int64_t now = i < trace.t.size() ? trace.t[i] : kNoTime;
    if (now == kNoTime && session != kNone) now = of_session[session];
    if (now == kNoTime) now = before;
    if (session != kNone) of_session[session] = std::max(of_session[session], now);
    seen[i] = before = now;
  }
  return seen;
}

namespace {

template <class T>
void permute_column(std::vector<T>& column, std::span<const std::uint32_t> order) {
  if (column.empty()) return;
  std::vector<T> moved;
  moved.reserve(order.size());
  for (const std::uint32_t i : order) moved.push_back(column[i]);
  column.swap(moved);
}

// Lists in one array with the end of each, moved as their owners move.
template <class T>
void permute_lists(std::vector<T>& items, std::vector<std::uint32_t>& end,
                   std::span<const std::uint32_t> order) {
  if (end.empty()) return;
  std::vector<T> moved;
  std::vector<std::uint32_t> moved_end;
  moved.reserve(items.size());
  moved_end.reserve(order.size());
  for (const std::uint32_t i : order) {
    moved.insert(moved.end(), items.begin() + (i == 0 ? 0 : end[i - 1]), items.begin() + end[i]);
    moved_end.push_back(static_cast<std::uint32_t>(moved.size()));
  }
  items.swap(moved);
  end.swap(moved_end);
}

}  // namespace

void permute(Trace& trace, std::span<const std::uint32_t> order) {
  const std::uint32_t rows = trace.size();
  if (trace.id.empty() && trace.ids.size() > 0) {
    trace.id.resize(rows);
    std::iota(trace.id.begin(), trace.id.end(), 0u);
  }
  // Columns may end with the last record that had a value.
  for (auto* column :
       {&trace.session, &trace.agent, &trace.turn, &trace.tool, &trace.model, &trace.stop,
        &trace.tenant, &trace.steps, &trace.id, &trace.in, &trace.out}) {
    if (!column->empty()) column->resize(rows, kNone);
    permute_column(*column, order);
  }
  for (auto* column :
       {&trace.t, &trace.seen, &trace.gap, &trace.api, &trace.slo_ttft, &trace.slo_tpot}) {
    if (!column->empty()) column->resize(rows, kNoTime);
    permute_column(*column, order);
  }
  if (!trace.prio.empty()) trace.prio.resize(rows, 0.0);
  permute_column(trace.prio, order);
  if (!trace.last.empty()) trace.last.resize(rows, 0);
  permute_column(trace.last, order);
  std::vector<std::uint32_t> place(rows);
  for (std::uint32_t i = 0; i < rows; ++i) place[order[i]] = i;
  for (std::uint32_t& parent : trace.parents) parent = place[parent];
  permute_lists(trace.parents, trace.parent_end, order);
  permute_lists(trace.runs, trace.run_end, order);
}

void chain_sessions(Trace& trace, std::uint32_t block) {
  std::vector<std::uint32_t> before(trace.sessions.size(), kNone);  // last request of a session
  std::uint64_t next = 0;
  trace.block = block;
  trace.partial = Partial::kFloor;
  trace.run_end.reserve(trace.size());
  for (std::uint32_t i = 0; i < trace.size(); ++i) {
    const std::uint32_t session = i < trace.session.size() ? trace.session[i] : kNone;
    const std::uint32_t blocks = trace.in[i] / block;
    std::uint32_t shared = 0;
    const std::size_t start = trace.runs.size();
    if (session != kNone && before[session] != kNone) {
      const std::uint32_t p = before[session];
      std::uint32_t left = std::min(trace.in[i], trace.in[p]) / block;
      shared = left;
      const std::uint32_t from = p == 0 ? 0 : trace.run_end[p - 1];
      for (std::uint32_t r = from; r < trace.run_end[p] && left > 0; ++r) {
        const Run run{trace.runs[r].first, std::min(left, trace.runs[r].count)};
        trace.runs.push_back(run);
        left -= run.count;
      }
    }
    if (blocks > shared) {
      const auto first = static_cast<std::uint32_t>(next);
      const std::uint32_t count = blocks - shared;
      next += count;
      if (next >= kNone || trace.runs.size() >= kNone) {
        throw core::environment_error("more than 2^32 distinct blocks");
      }
      if (trace.runs.size() > start && trace.runs.back().first + trace.runs.back().count == first) {
        trace.runs.back().count += count;
      } else {
        trace.runs.push_back({first, count});
      }
    }
    trace.references += blocks;
    trace.run_end.push_back(static_cast<std::uint32_t>(trace.runs.size()));
    if (session != kNone) before[session] = i;
  }
  trace.id_space = trace.distinct = static_cast<std::uint32_t>(next);
}

void mark_last_records(Trace& trace) {
  const std::uint32_t rows = trace.size();
  trace.last.resize(rows, 0);
  std::vector<bool> seen(trace.sessions.size(), false);
  for (std::uint32_t i = rows; i-- > 0;) {
    const std::uint32_t session = i < trace.session.size() ? trace.session[i] : kNone;
    const bool ends = session == kNone || !seen[session];
    if (session != kNone) seen[session] = true;
    if ((trace.last[i] & kLastGiven) == 0 && ends) trace.last[i] |= kLast;
  }
  const auto pad = [rows](auto& column, auto empty) {
    if (!column.empty()) column.resize(rows, empty);
  };
  for (auto* column : {&trace.session, &trace.agent, &trace.turn, &trace.tool, &trace.model,
                       &trace.stop, &trace.tenant, &trace.steps}) {
    pad(*column, kNone);
  }
  for (auto* column : {&trace.t, &trace.gap, &trace.api, &trace.slo_ttft, &trace.slo_tpot}) {
    pad(*column, kNoTime);
  }
  pad(trace.prio, 0.0);
}

}  // namespace stateutils::kv
