// MCP traffic: JSON-RPC messages, a line each; a request becomes an operation when its answer
// comes.
#include <unordered_map>

#include "core/jsonl.hpp"
#include "sbus/op_source.hpp"

namespace stateutils::sbus {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// The value at a path of keys, if it is there.
std::optional<element> at_path(const object& from, std::initializer_list<std::string_view> path) {
  object here = from;
  element value;
  for (auto key = path.begin(); key != path.end(); ++key) {
    if (here.at_key(*key).get(value) != simdjson::SUCCESS) return std::nullopt;
    if (key + 1 != path.end() && value.get(here) != simdjson::SUCCESS) return std::nullopt;
  }
  return value;
}

std::optional<std::string> scalar_text(const std::optional<element>& value) {
  if (!value) return std::nullopt;
  std::string_view text;
  if (value->get(text) == simdjson::SUCCESS) return std::string(text);
  if (!value->is_number() && !value->is_bool()) return std::nullopt;
  return simdjson::minify(*value);
}

class McpSource final : public OpSource {
 public:
  McpSource(std::unique_ptr<core::ByteSource> source, const OpSourceOptions& options)
      : source_(std::move(source)),
        options_(options),
        reader_(*source_, {.format = {}, .tail = options.tail}) {
    if (options.on_idle) reader_.on_idle(options.on_idle);
    if (options.skip_bad) reader_.on_bad_line([this](const core::Error&) { ++skipped_; });
  }

  bool next(OpRecord& out) override {
    while (const core::Record* record = reader_.next()) {
      const object message = record->raw();
      const auto id = at_path(message, {"id"});
      const bool is_request = at_path(message, {"method"}).has_value();
      if (!id || id->is_null()) continue;  // a notification
      const std::string key = simdjson::minify(*id);
      if (is_request) {
        waiting_[key] = request(message);
        continue;
      }
      const auto waiting = waiting_.find(key);
      if (waiting == waiting_.end()) continue;
      const std::optional<MappedOp> op = std::move(waiting->second);
      waiting_.erase(waiting);
      if (!op) {
        ++unmatched_;
        continue;
      }
      op_ = *op;
      fill(out, failed(message), record->line());
      return true;
    }
    return false;
  }
  [[nodiscard]] std::uint64_t bytes_read() const override { return reader_.bytes_read(); }

 private:
  static bool failed(const object& answer) {
    if (const auto error = at_path(answer, {"error"}); error && !error->is_null()) return true;
    const auto flag = at_path(answer, {"result", "isError"});
    bool is_error = false;
    return flag && flag->get(is_error) == simdjson::SUCCESS && is_error;
  }
  [[nodiscard]] std::optional<std::string> meta(const object& message,
                                                std::string_view name) const {
    return scalar_text(at_path(message, {"params", "_meta", name}));
  }
  [[nodiscard]] std::optional<MappedOp> request(const object& message) const {
    const auto method = scalar_text(at_path(message, {"method"}));
    if (method == "tools/call") return tool_call(message);
    if (method != "resources/read") return std::nullopt;
    const auto uri = scalar_text(at_path(message, {"params", "uri"}));
    if (!uri) return std::nullopt;
    return MappedOp{Op::kGet, *uri, meta(message, "agent_id").value_or(""), {}};
  }
  [[nodiscard]] std::optional<MappedOp> tool_call(const object& message) const {
    if (options_.mapping == nullptr) return std::nullopt;
    const auto tool = scalar_text(at_path(message, {"params", "name"}));
    for (const Rule& rule : options_.mapping->rules) {
      if (rule.tool.empty() || rule.tool != tool) continue;
      const auto lookup = [&](const Template::Reference& r) -> std::optional<std::string> {
        if (r.kind == Template::Reference::Kind::kArgument) {
          return scalar_text(at_path(message, {"params", "arguments", r.name}));
        }
        if (r.kind == Template::Reference::Kind::kMeta) return meta(message, r.name);
        return std::nullopt;
      };
      MappedOp out{rule.op, {}, {}, {}};
      if (rule.key) {
        const auto key = rule.key->expand(lookup);
        if (!key) return std::nullopt;
        out.key = *key;
      }
      const auto agent = rule.agent ? rule.agent->expand(lookup) : meta(message, "agent_id");
      out.agent = agent.value_or("");
      return out;
    }
    return std::nullopt;
  }
  void fill(OpRecord& out, bool has_failed, std::uint64_t line) const {
    out = OpRecord{};
    out.op = op_.op;
    out.status = has_failed ? 500 : 200;
    out.key = op_.key;
    out.agent = op_.agent;
    if (op_.op == Op::kRegister) out.keys.push_back(op_.key);
    out.line = line;
  }

  std::unique_ptr<core::ByteSource> source_;
  OpSourceOptions options_;
  core::JsonlReader reader_;
  // By id; the latest unanswered request of an id is the one that an answer belongs to.
  std::unordered_map<std::string, std::optional<MappedOp>> waiting_;
  MappedOp op_;
};

}  // namespace

std::unique_ptr<OpSource> mcp_source(std::unique_ptr<core::ByteSource> source,
                                     const OpSourceOptions& options) {
  return std::make_unique<McpSource>(std::move(source), options);
}

}  // namespace stateutils::sbus
