#include "kv/trace_stat.hpp"

#include <algorithm>

#include "core/json_writer.hpp"
#include "kv/chain.hpp"
#include "kv/flat_cache.hpp"
#include "kv/quantiles.hpp"

namespace stateutils::kv {
namespace {

void write_lengths(core::JsonWriter& json, const char* name,
                   const std::vector<std::uint32_t>& lengths) {
  std::vector<double> values(lengths.begin(), lengths.end());
  json.key(name);
  write_quantiles(json, values);
}

void write_times(core::JsonWriter& json, const char* name, std::vector<double> seconds) {
  json.key(name);
  write_quantiles(json, seconds);
}

std::vector<double> seconds_of(const std::vector<std::int64_t>& times) {
  std::vector<double> seconds;
  for (const std::int64_t time : times) {
    if (time != kNoTime) seconds.push_back(static_cast<double>(time) / 1e9);
  }
  return seconds;
}

std::vector<double> interarrivals(const Trace& trace) {
  std::vector<double> gaps;
  std::int64_t before = kNoTime;
  for (const std::int64_t time : trace.t) {
    if (time == kNoTime) continue;
    if (before != kNoTime) gaps.push_back(static_cast<double>(time - before) / 1e9);
    before = time;
  }
  return gaps;
}

void write_prefix_hit(core::JsonWriter& json, const Trace& trace, std::uint64_t in_tokens) {
  std::uint64_t blocks = 0, tokens = 0;
  if (trace.has_blocks() && trace.chains) {
    const Reuse previous = previous_use(trace);
    for (std::uint32_t i = 0; i < trace.size(); ++i) {
      std::uint64_t reused = 0;
      for (const Piece& piece : previous.of(i)) {
        if (piece.request != kNone) reused = piece.end;
      }
      blocks += reused;
      tokens += std::min<std::uint64_t>(reused * trace.block, trace.in[i]);
    }
  }
  const auto ratio = [](std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  json.key("prefix_hit").begin_object().field("blocks", blocks);
  json.field("block_ratio", ratio(blocks, trace.references));
  json.field("token_ratio", ratio(tokens, in_tokens)).end_object();
}

}  // namespace

std::string partial_name(Partial partial) {
  return partial == Partial::kCeil ? "ceil" : partial == Partial::kFloor ? "floor" : "";
}

std::string trace_stat_json(const Trace& trace) {
  std::string text;
  core::JsonWriter json(text);
  std::uint64_t in = 0, out = 0;
  for (const std::uint32_t tokens : trace.in) in += tokens;
  for (const std::uint32_t tokens : trace.out) out += tokens;
  json.begin_object().field("requests", trace.size()).field("sessions", trace.sessions.size());
  json.field("block_refs", trace.references).field("distinct_blocks", trace.distinct);
  json.field("in_tokens", in).field("out_tokens", out);
  write_prefix_hit(json, trace, in);
  json.field("trace_format", trace.format);
  json.key("block");
  trace.block == 0 ? json.null() : json.value(trace.block);
  json.key("partial");
  trace.partial == Partial::kUnknown ? json.null() : json.value(partial_name(trace.partial));
  json.field("scope", trace.session_scope ? "session" : "global");
  json.field("dropped", trace.dropped).field("skipped_lines", trace.skipped_lines);
  std::int64_t first = kNoTime, last = kNoTime;
  for (const std::int64_t time : trace.t) {
    if (time == kNoTime) continue;
    if (first == kNoTime) first = time;
    last = time;
  }
  json.field("duration_s", first == kNoTime ? 0.0 : static_cast<double>(last - first) / 1e9);
  write_lengths(json, "in", trace.in);
  write_lengths(json, "out", trace.out);
  write_times(json, "interarrival_s", interarrivals(trace));
  write_times(json, "gap_s", seconds_of(trace.gap));
  json.key("reuse_distance");
  const bool reused = trace.has_blocks() && trace.references > trace.distinct;
  if (reused) {
    write_quantiles(json, histogram_quantiles(lru_distances(trace)));
  } else {
    json.null();
  }
  json.end_object();
  return text;
}

}  // namespace stateutils::kv
