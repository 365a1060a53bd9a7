// The project's own records (stateutils.requests) and Mooncake's, one JSON object a line.
#include <array>

#include "core/jsonl.hpp"
#include "kv/json_values.hpp"
#include "kv/readers.hpp"

namespace stateutils::kv {
namespace {

using Element = simdjson::dom::element;

enum Key {
  kId,
  kT,
  kAfter,
  kGap,
  kIn,
  kOut,
  kSession,
  kAgent,
  kTurn,
  kTool,
  kTools,
  kLastTurn,
  kParents,
  kSteps,
  kBlock,
  kHashIds,
  kHashRuns,
  kScope,
  kTenant,
  kPrio,
  kSlo,
  kModel,
  kApi,
  kStop,
  kKeys
};
constexpr std::array<std::string_view, kKeys> kNames = {
    "id",        "t",     "after",  "gap_s", "in",      "out",   "session", "agent",
    "turn",      "tool",  "tools",  "last",  "parents", "steps", "block",   "hash_ids",
    "hash_runs", "scope", "tenant", "prio",  "slo",     "model", "api_s",   "stop"};

// The tool that ends last of those run after a turn: the longest, the first of equals.
std::optional<std::string_view> longest_tool(const JsonValues& values, const Element& list) {
  simdjson::dom::array tools;
  if (list.get(tools) != simdjson::SUCCESS) throw values.error("\"tools\": expected an array");
  std::optional<std::string_view> best;
  double longest = -1;
  for (const Element& item : tools) {
    simdjson::dom::object tool;
    std::string_view name;
    if (item.get(tool) != simdjson::SUCCESS || tool["name"].get(name) != simdjson::SUCCESS) {
      throw values.error("\"tools\": expected objects with a name");
    }
    double duration = 0;
    Element found;
    if (tool["duration_ms"].get(found) == simdjson::SUCCESS) {
      duration = values.opt_number("duration_ms", found).value_or(0);
    }
    if (duration > longest) {
      longest = duration;
      best = name;
    }
  }
  return best;
}

class RecordReader {
 public:
  void fill(const core::Record& line, RawRecord& record);

 private:
  using Maybe = JsonValues::Maybe;
  void fill_links(const JsonValues& values, RawRecord& record);
  void fill_blocks(const JsonValues& values, RawRecord& record);
  void fill_slo(const JsonValues& values, RawRecord& record);

  std::array<Maybe, kKeys> found_;
  std::string steps_;
};

void RecordReader::fill_links(const JsonValues& values, RawRecord& record) {
  if (const auto after = values.opt_text("after", found_[kAfter])) record.parents.push_back(*after);
  if (!found_[kParents] || found_[kParents]->is_null()) return;
  simdjson::dom::array list;
  if (found_[kParents]->get(list) != simdjson::SUCCESS) {
    throw values.error("\"parents\": expected an array of ids");
  }
  for (const Element& item : list) {
    std::string_view parent;
    if (item.get(parent) != simdjson::SUCCESS) {
      throw values.error("\"parents\": expected an array of ids");
    }
    record.parents.push_back(parent);
  }
}

void RecordReader::fill_blocks(const JsonValues& values, RawRecord& record) {
  const bool has_ids = found_[kHashIds] && !found_[kHashIds]->is_null();
  const bool has_runs = found_[kHashRuns] && !found_[kHashRuns]->is_null();
  if (has_ids && has_runs) throw values.error("both \"hash_ids\" and \"hash_runs\"");
  if (has_ids) values.ids("hash_ids", *found_[kHashIds], record.runs);
  if (has_runs) values.id_runs("hash_runs", *found_[kHashRuns], record.runs);
  record.has_blocks = has_ids || has_runs;
}

void RecordReader::fill_slo(const JsonValues& values, RawRecord& record) {
  if (!found_[kSlo] || found_[kSlo]->is_null()) return;
  simdjson::dom::object slo;
  if (found_[kSlo]->get(slo) != simdjson::SUCCESS)
    throw values.error("\"slo\": expected an object");
  Element item;
  if (slo["ttft"].get(item) == simdjson::SUCCESS) record.slo_ttft = values.opt_time("ttft", item);
  if (slo["tpot"].get(item) == simdjson::SUCCESS) record.slo_tpot = values.opt_time("tpot", item);
}

void RecordReader::fill(const core::Record& line, RawRecord& record) {
  line.match(kNames, found_);
  const JsonValues values([&line](const std::string& message) { return line.error(message); });
  record.clear();
  record.line = line.line();
  record.id = values.opt_text("id", found_[kId]);
  record.t = values.opt_time("t", found_[kT]);
  record.gap = values.opt_time("gap_s", found_[kGap]);
  record.api = values.opt_time("api_s", found_[kApi]);
  record.in = values.count("in", found_[kIn]);
  record.out = values.count("out", found_[kOut]);
  record.session = values.opt_text("session", found_[kSession]);
  record.agent = values.opt_text("agent", found_[kAgent]);
  if (const auto turn = values.opt_count("turn", found_[kTurn])) {
    if (*turn >= kNone) throw line.error("\"turn\": " + std::to_string(*turn));
    record.turn = static_cast<std::uint32_t>(*turn);
  }
  record.tool = values.opt_text("tool", found_[kTool]);
  if (!record.tool && found_[kTools] && !found_[kTools]->is_null()) {
    record.tool = longest_tool(values, *found_[kTools]);
  }
  record.last = values.opt_bool("last", found_[kLastTurn]);
  if (found_[kSteps] && !found_[kSteps]->is_null()) {
    if (!found_[kSteps]->is_object()) throw line.error("\"steps\": expected an object");
    steps_ = simdjson::minify(*found_[kSteps]);
    record.steps = steps_;
  }
  record.block = values.opt_count("block", found_[kBlock]);
  record.scope = values.opt_text("scope", found_[kScope]);
  record.tenant = values.opt_text("tenant", found_[kTenant]);
  record.prio = values.opt_number("prio", found_[kPrio]);
  record.model = values.opt_text("model", found_[kModel]);
  record.stop = values.opt_text("stop", found_[kStop]);
  fill_links(values, record);
  fill_blocks(values, record);
  fill_slo(values, record);
}

}  // namespace

void read_record_jsonl(core::ByteSource& source, TraceBuilder& builder) {
  core::JsonlReader reader(source, {builder.options().max_line, "requests", 1, false});
  RecordReader records;
  RawRecord record;
  while (const core::Record* line = reader.next()) {
    if (builder.full()) continue;  // the frame is still checked to its end
    records.fill(*line, record);
    builder.add(record);
  }
}

void read_mooncake(core::ByteSource& source, TraceBuilder& builder) {
  constexpr std::array<std::string_view, 4> names = {"timestamp", "input_length", "output_length",
                                                     "hash_ids"};
  core::JsonlReader reader(source, {builder.options().max_line, "", 1, false});
  std::array<JsonValues::Maybe, 4> found;
  RawRecord record;
  while (const core::Record* line = reader.next()) {
    if (builder.full()) break;
    line->match(names, found);
    const JsonValues values([line](const std::string& message) { return line->error(message); });
    record.clear();
    record.line = line->line();
    record.t = values.opt_time("timestamp", found[0], 1e-3);
    if (!record.t) throw line->error("\"timestamp\" is missing");
    record.in = values.count("input_length", found[1]);
    record.out = values.count("output_length", found[2]);
    if (found[3] && !found[3]->is_null()) {
      values.ids("hash_ids", *found[3], record.runs);
      record.has_blocks = true;
      record.block = builder.options().block.value_or(512);
    }
    builder.add(record);
  }
}

}  // namespace stateutils::kv
