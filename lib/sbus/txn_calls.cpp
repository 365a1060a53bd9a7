// Histories of transactions from Jepsen operations.
#include <map>

#include "sbus/txn_ops.hpp"

namespace stateutils::sbus {
namespace {

// Pairs operations as history.cpp does, but turns each completion into the transaction's operations
// at once: of a history of millions of them no tree of values is ever held. What an invocation says
// is read again where nothing else tells what was tried.
class EdnTransactions {
 public:
  EdnTransactions(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::optional<TxnHistory> read() {
    EdnReader reader(text_, file_);
    Value op;
    for (std::size_t begin = 0; reader.next(op); begin = reader.offset()) {
      if (!add(op, begin, reader.line())) return std::nullopt;
    }
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
    EdnReader reader(text_.substr(open.begin), file_, txn.line);
    Value op;
    return reader.next(op) && add_ops(txn, op.find("value"), false);
  }

  std::string_view text_;
  const std::string& file_;
  TxnHistory history_;
  std::map<std::int64_t, Open> open_;
  std::map<std::int64_t, std::uint32_t> sessions_;
  std::int64_t clock_ = 0;
};

}  // namespace

std::optional<TxnHistory> txns_from_edn(std::string_view text, const std::string& file) {
  return EdnTransactions(text, file).read();
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
