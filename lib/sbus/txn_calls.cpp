// Histories of transactions from Jepsen operations.
#include <map>

#include "sbus/txn_ops.hpp"

namespace stateutils::sbus {
namespace {

// Operations one after the other, each of which can be read again where it began.
class EdnOperations {
 public:
  EdnOperations(std::string_view text, const std::string& file)
      : text_(text), file_(file), reader_(text, file) {}
  bool next(Value& out) {
    begin_ = reader_.offset();
    return reader_.next(out);
  }
  [[nodiscard]] std::size_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t line() const { return reader_.line(); }
  [[nodiscard]] bool all_read() const { return true; }
  bool again(std::size_t begin, std::uint64_t line, Value& out) const {
    return EdnReader(text_.substr(begin), file_, line).next(out);
  }

 private:
  std::string_view text_;
  const std::string& file_;
  EdnReader reader_;
  std::size_t begin_ = 0;
};

// JSON lines of plain form; any other line ends them before all is read.
class JsonOperations {
 public:
  explicit JsonOperations(std::string_view text) : text_(text) {}
  bool next(Value& out) {
    while (end_ < text_.size()) {
      begin_ = end_;
      ++line_;
      const std::string_view row = row_at(begin_);
      const bool blank = row.find_first_not_of(" \t\r") == std::string_view::npos;
      if (!blank && !reader_.read_plain(row, out)) return false;
      end_ = begin_ + row.size() + 1;
      if (!blank) return true;
    }
    return false;
  }
  [[nodiscard]] std::size_t begin() const { return begin_; }
  [[nodiscard]] std::uint64_t line() const { return line_; }
  [[nodiscard]] bool all_read() const { return end_ >= text_.size(); }
  bool again(std::size_t begin, std::uint64_t, Value& out) {
    return reader_.read_plain(row_at(begin), out);
  }

 private:
  [[nodiscard]] std::string_view row_at(std::size_t begin) const {
    return text_.substr(begin, text_.find('\n', begin) - begin);
  }

  std::string_view text_;
  JsonReader reader_;
  std::size_t begin_ = 0, end_ = 0;
  std::uint64_t line_ = 0;
};

// Pairs operations as history.cpp does, but turns each completion into the transaction's operations
// at once: of a history of millions of them no tree of values is ever held. What an invocation says
// is read again where nothing else tells what was tried.
template <class Operations>
class Transactions {
 public:
  // `args` are those of Operations.
  template <class... Args>
  explicit Transactions(const std::string& file, const Args&... args)
      : operations_(args...), file_(file) {}

  std::optional<TxnHistory> read() {
    Value op;
    while (operations_.next(op)) {
      if (!add(op, operations_.begin(), operations_.line())) return std::nullopt;
    }
    if (!operations_.all_read()) return std::nullopt;
    for (const auto& [process, open] : open_) {
      if (!take_back(open)) return std::nullopt;
    }
    settle_lists(history_, file_);
    return std::move(history_);
  }

 private:
  struct Open {
    std::size_t txn = 0;
    std::size_t begin = 0;  // of the invocation's text
  };

  // False where this is no plain history of transactions; the general reader then says what it is.
  bool add(const Value& op, std::size_t begin, std::uint64_t line) {
    const Value* type = op.find("type");
    const Value* process = op.find("process");
    const Value* f = op.find("f");
    const Value* value = op.find("value");
    if (type == nullptr || type->kind != Value::Kind::kText || process == nullptr) return false;
    if (process->kind != Value::Kind::kInt) return true;  // the nemesis
    if (f == nullptr || !f->is("txn")) return false;
    ++clock_;
    const auto open = open_.find(process->number);
    if (type->text == "invoke") {
      if (open != open_.end()) return false;
      open_.emplace(process->number, Open{history_.txns.size(), begin});
      begin_txn(process->number, line);
      return true;
    }
    const bool done = type->text == "ok", failed = type->text == "fail";
    if (open == open_.end()) {
      if (type->text == "info") return true;
      if (!done && !failed) return false;
      begin_txn(process->number, line);
    }
    Txn& txn = history_.txns[open == open_.end() ? history_.txns.size() - 1 : open->second.txn];
    if (!done && !failed && type->text != "info") return false;
    if (done || failed) {
      txn.status = done ? Status::kOk : Status::kFail;
      txn.end = clock_;
    }
    const bool good =
        done || open == open_.end() ? add_ops(txn, value, done) : take_back(open->second);
    if (open != open_.end()) open_.erase(open);
    return good;
  }

  void begin_txn(std::int64_t process, std::uint64_t line) {
    Txn txn;
    txn.session =
        sessions_.emplace(process, static_cast<std::uint32_t>(sessions_.size())).first->second;
    txn.status = Status::kInfo;
    txn.timed = true;
    txn.start = clock_;
    txn.line = line;
    history_.txns.push_back(std::move(txn));
  }
  bool add_ops(Txn& txn, const Value* ops, bool results) {
    if (ops == nullptr || ops->kind != Value::Kind::kList) return false;
    txn.ops.reserve(ops->items.size());
    for (const Value& op : ops->items) add_op(history_, txn, op, results, file_);
    return true;
  }
  // The writes of an invocation.
  bool take_back(const Open& open) {
    Txn& txn = history_.txns[open.txn];
    Value op;
    return operations_.again(open.begin, txn.line, op) && add_ops(txn, op.find("value"), false);
  }

  Operations operations_;
  const std::string& file_;
  TxnHistory history_;
  std::map<std::int64_t, Open> open_;
  std::map<std::int64_t, std::uint32_t> sessions_;
  std::int64_t clock_ = 0;
};

}  // namespace

std::optional<TxnHistory> txns_from_edn(std::string_view text, const std::string& file) {
  return Transactions<EdnOperations>(file, text, file).read();
}

std::optional<TxnHistory> txns_from_json(std::string_view text, const std::string& file) {
  return Transactions<JsonOperations>(file, text).read();
}

TxnHistory txns_from_calls(const std::vector<Call>& calls, const std::string& file) {
  TxnHistory history;
  std::map<std::string, std::uint32_t> sessions;
  for (const Call& call : calls) {
    Txn txn;
    // Without processes nothing is known about sessions.
    const std::string who = call.process.empty() ? "#" + std::to_string(call.line) : call.process;
    txn.session = sessions.emplace(who, static_cast<std::uint32_t>(sessions.size())).first->second;
    txn.status = call.status;
    txn.timed = true;
    txn.start = call.start;
    txn.end = call.end;
    txn.line = call.line;
    const bool done = call.status == Status::kOk;
    const Value& ops = done ? call.result : call.argument;
    if (ops.kind != Value::Kind::kList)
      throw history_error(file, call.line, "a transaction is a list of operations");
    for (const Value& op : ops.items) add_op(history, txn, op, done, file);
    history.txns.push_back(std::move(txn));
  }
  settle_lists(history, file);
  return history;
}

}  // namespace stateutils::sbus
