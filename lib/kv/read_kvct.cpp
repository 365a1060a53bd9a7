// kv-cache-tester traces: a JSON document a session, subagents nested in "requests".
#include "core/dom.hpp"
#include "core/error.hpp"
#include "core/jsonl.hpp"
#include "kv/json_values.hpp"
#include "kv/readers.hpp"

namespace stateutils::kv {
namespace {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
constexpr int kMostNesting = 32;

class SessionReader {
 public:
  SessionReader(TraceBuilder& builder, std::string file, std::uint64_t line)
      : builder_(builder),
        values_([file = std::move(file), line](const std::string& message) {
          return core::input_error({file, line, {}}, message);
        }),
        line_(line) {}

  void read(const Object& document) {
    session_ = std::string(values_.opt_text("id", get(document, "id")).value_or(""));
    if (session_.empty()) throw values_.error("\"id\" is missing");
    block_ = values_.opt_count("block_size", get(document, "block_size"));
    const auto scope = values_.opt_text("hash_id_scope", get(document, "hash_id_scope"));
    session_scope_ = !scope || *scope == "local";
    list(document, "main", 0, 0);
  }

 private:
  static JsonValues::Maybe get(const Object& object, std::string_view key) {
    Element found;
    if (object.at_key(key).get(found) != simdjson::SUCCESS) return std::nullopt;
    return found;
  }

  void list(const Object& owner, const std::string& agent, std::int64_t offset, int depth) {
    if (depth > kMostNesting) throw values_.error("subagents nested too deep");
    const auto requests = get(owner, "requests");
    simdjson::dom::array array;
    if (!requests || requests->get(array) != simdjson::SUCCESS) {
      throw values_.error("\"requests\": expected an array");
    }
    std::uint32_t turn = 0;
    for (const Element& item : array) {
      Object request;
      if (item.get(request) != simdjson::SUCCESS) {
        throw values_.error("\"requests\": expected objects");
      }
      const std::int64_t at = offset + values_.opt_time("t", get(request, "t")).value_or(0);
      const auto type = values_.opt_text("type", get(request, "type"));
      if (type && *type == "subagent") {
        list(request, agent_name(request), at, depth + 1);
      } else if (!builder_.full()) {
        one(request, agent, turn++, at);
      }
    }
  }

  std::string agent_name(const Object& request) const {
    std::string name(values_.opt_text("agent_id", get(request, "agent_id")).value_or("subagent"));
    const auto kind = values_.opt_text("subagent_type", get(request, "subagent_type"));
    if (kind) name += ':' + std::string(*kind);
    return name;
  }

  void one(const Object& request, const std::string& agent, std::uint32_t turn, std::int64_t at) {
    RawRecord& record = record_;
    record.clear();
    record.line = line_;
    const std::string id = session_ + '/' + std::to_string(index_++);
    record.id = id;
    record.session = session_;
    record.agent = agent;
    record.turn = turn;
    record.t = at;
    record.model = values_.opt_text("model", get(request, "model"));
    record.in = values_.count("in", get(request, "in"));
    record.out = values_.count("out", get(request, "out"));
    record.api = values_.opt_time("api_time", get(request, "api_time"));
    record.gap = values_.opt_time("think_time", get(request, "think_time"));
    record.stop = values_.opt_text("stop", get(request, "stop"));
    if (const auto ids = get(request, "hash_ids"); ids && !ids->is_null()) {
      values_.ids("hash_ids", *ids, record.runs);
      record.has_blocks = true;
      record.block = block_.value_or(builder_.options().block.value_or(64));
      record.scope = session_scope_ ? "session" : "global";
    }
    builder_.add(record);
  }

  TraceBuilder& builder_;
  JsonValues values_;
  std::uint64_t line_, index_ = 0;
  std::string session_;
  std::optional<std::uint64_t> block_;
  bool session_scope_ = true;
  RawRecord record_;
};

}  // namespace

void read_kvct(core::ByteSource& source, TraceBuilder& builder) {
  // A document is a line to the reader, though it may hold line ends, and no longer than one.
  const std::string text = core::read_all(source, builder.options().max_line);
  simdjson::dom::parser parser;
  if (parser.allocate(std::max<std::size_t>(text.size(), 64), 64) != simdjson::SUCCESS) {
    throw core::environment_error("no memory for " + source.name());
  }
  Object document;
  if (core::parse_json(parser, text).get(document) == simdjson::SUCCESS) {
    SessionReader(builder, source.name(), 1).read(document);
    return;
  }
  // Several documents, one a line.
  const auto lines = core::memory_input(text, source.name());
  core::JsonlReader reader(*lines, {builder.options().max_line, "", 1, false});
  while (const core::Record* line = reader.next()) {
    SessionReader(builder, source.name(), line->line()).read(line->raw());
  }
}

}  // namespace stateutils::kv
