#include "sbus/history.hpp"

#include <algorithm>
#include <unordered_map>

namespace stateutils::sbus {
namespace {

class Pairing {
 public:
  explicit Pairing(std::string file) : file_(std::move(file)) {}

  void add(const Value& op, std::uint64_t line) {
    const auto refuse = [&](const char* what) { throw core::input_error({file_, line}, what); };
    if (op.kind != Value::Kind::kMap) refuse("an operation is a map");
    const Value* type = op.find("type");
    if (type == nullptr || type->kind != Value::Kind::kText) refuse("\"type\" is missing");
    const Value* process = op.find("process");
    const Value* f = op.find("f");
    const Value* value = op.find("value");
    const Value* key = op.find("key");
    // Processes without a number (the nemesis) act on the system, not on its state.
    if (process != nullptr && process->kind != Value::Kind::kInt) return;
    const std::string who = process == nullptr ? std::string() : std::to_string(process->number);
    step(who, type->text, f == nullptr ? Value() : *f, value == nullptr ? Value() : *value,
         key == nullptr ? Value() : *key, line);
  }

  void step(const std::string& who, const std::string& type, const Value& f, const Value& value,
            const Value& key, std::uint64_t line) {
    const std::int64_t now = ++clock_;
    if (type == "invoke") {
      if (open_.contains(who)) {
        throw core::input_error(
            {file_, line},
            "process " + core::quoted(who) + " begins an operation before its last one ended");
      }
      open_[who] = calls_.size();
      calls_.push_back({who, f.text, value, {}, key, Status::kInfo, now, Call::kNever, line});
      return;
    }
    if (type != "ok" && type != "fail" && type != "info") {
      throw core::input_error(
          {file_, line}, "\"type\": " + core::quoted(type) + " is none of invoke, ok, fail, info");
    }
    const auto open = open_.find(who);
    if (open == open_.end()) {
      if (type == "info") return;
      calls_.push_back({who, f.text, value, {}, key, Status::kInfo, now, now, line});
    }
    Call& call = open == open_.end() ? calls_.back() : calls_[open->second];
    call.result = value;
    call.status = type == "ok" ? Status::kOk : type == "fail" ? Status::kFail : Status::kInfo;
    // What was not known to end may take effect any time later.
    call.end = call.status == Status::kInfo ? Call::kNever : now;
    if (open != open_.end()) open_.erase(open);
  }
  [[nodiscard]] std::vector<Call> take() { return std::move(calls_); }

 private:
  std::string file_;
  std::vector<Call> calls_;
  std::unordered_map<std::string, std::size_t> open_;
  std::int64_t clock_ = 0;
};

}  // namespace

std::vector<Call> calls_from_edn(std::string_view text, const std::string& file) {
  Pairing pairing(file);
  EdnReader reader(text, file);
  Value form;
  while (reader.next(form)) {
    if (form.kind == Value::Kind::kMap) {
      pairing.add(form, reader.line());
    } else if (form.kind == Value::Kind::kList) {
      for (const Value& op : form.items) pairing.add(op, reader.line());
    } else {
      throw core::input_error({file, reader.line()}, "expected an operation map");
    }
  }
  return pairing.take();
}

std::vector<Call> calls_from_json(std::string_view text, const std::string& file) {
  Pairing pairing(file);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  if (text[begin] == '[') {
    Value all;
    JsonReader().read(text, file, all);
    for (const Value& op : all.items) pairing.add(op, 1);
    return pairing.take();
  }
  JsonReader reader;
  Value op;
  std::uint64_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view row = text.substr(at, end - at);
    at = end + 1;
    ++line;
    if (row.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    try {
      reader.read(row, file, op);
      pairing.add(op, line);
    } catch (const core::Error&) {
      throw core::input_error({file, line}, "malformed JSON, or no operation");
    }
  }
  return pairing.take();
}

std::vector<Call> calls_from_log(std::string_view text, const std::string& file) {
  Pairing pairing(file);
  std::uint64_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view row = text.substr(at, end - at);
    at = end + 1;
    ++line;
    const std::size_t mark = row.find("jepsen.util - ");
    if (mark == std::string_view::npos) continue;
    EdnReader reader(row.substr(mark + 14), file, line);
    Value process, type, f, value;
    if (!reader.next(process) || process.kind != Value::Kind::kInt) continue;
    if (!reader.next(type) || !reader.next(f)) {
      throw core::input_error({file, line}, "expected PROCESS :TYPE :F VALUE");
    }
    (void)reader.next(value);
    pairing.step(std::to_string(process.number), type.text, f, value, {}, line);
  }
  return pairing.take();
}

}  // namespace stateutils::sbus
