#include "sbus/txn_history.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "core/units.hpp"

namespace stateutils::sbus {
namespace {

core::Error bad(const std::string& file, std::uint64_t line, const std::string& what) {
  return core::input_error({file, line}, what);
}

std::string shown(const Value& value) {
  if (value.kind == Value::Kind::kText || value.kind == Value::Kind::kReal) return value.text;
  if (value.kind == Value::Kind::kInt) return std::to_string(value.number);
  return value.is_nil() ? "nil" : value.canonical();
}

// Texts and numbers are told apart where both name keys or values.
std::string name_of(const Value& value) {
  return value.kind == Value::Kind::kText ? "\"" + value.text + "\"" : shown(value);
}

void add_op(TxnHistory& history, Txn& txn, const Value& op, bool results, const std::string& file) {
  if (op.kind != Value::Kind::kList || op.items.size() != 3 ||
      op.items[0].kind != Value::Kind::kText) {
    throw bad(file, txn.line, "an operation of a transaction is [f key value]");
  }
  const std::string& f = op.items[0].text;
  const Value& value = op.items[2];
  TxnOp out;
  out.key = history.keys.number(name_of(op.items[1]));
  if (f == "append" || f == "a") {
    out.kind = TxnOp::Kind::kAppend;
    out.value = history.values.number(name_of(value));
    history.list_append = true;
  } else if (f == "w" || f == "write") {
    out.kind = TxnOp::Kind::kWrite;
    out.value = history.values.number(name_of(value));
  } else if (f == "r" || f == "read") {
    if (!results) return;  // nobody saw what it read
    if (value.kind == Value::Kind::kList) {
      out.kind = TxnOp::Kind::kReadList;
      for (const Value& item : value.items)
        out.list.push_back(history.values.number(name_of(item)));
      history.list_append = true;
    } else {
      out.value = value.is_nil() ? TxnHistory::kInitial : history.values.number(name_of(value));
    }
  } else {
    throw bad(file, txn.line, core::quoted(f) + " is none of r, w, append");
  }
  txn.ops.push_back(std::move(out));
  ++history.ops;
}

// A nil read of a list is the empty list.
void settle_lists(TxnHistory& history, const std::string& file) {
  if (!history.list_append) return;
  for (Txn& txn : history.txns) {
    for (TxnOp& op : txn.ops) {
      if (op.kind == TxnOp::Kind::kWrite) {
        throw bad(file, txn.line, "lists and registers in one history");
      }
      if (op.kind != TxnOp::Kind::kRead) continue;
      if (op.value != TxnHistory::kInitial) {
        throw bad(file, txn.line, "lists and registers in one history");
      }
      op.kind = TxnOp::Kind::kReadList;
    }
  }
}

// Calls `row` for every line that is not blank.
template <class Row>
void for_each_line(std::string_view text, Row&& row) {
  std::uint64_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view content = text.substr(at, end - at);
    at = end + 1;
    ++line;
    while (!content.empty() &&
           (content.back() == '\r' || content.back() == ' ' || content.back() == '\t')) {
      content.remove_suffix(1);
    }
    if (!content.empty()) row(content, line);
  }
}

}  // namespace

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
      throw bad(file, call.line, "a transaction is a list of operations");
    for (const Value& op : ops.items) add_op(history, txn, op, done, file);
    history.txns.push_back(std::move(txn));
  }
  settle_lists(history, file);
  return history;
}

TxnHistory txns_from_jsonl(std::string_view text, const std::string& file) {
  TxnHistory history;
  std::map<std::string, std::uint32_t> sessions;
  for_each_line(text, [&](std::string_view row, std::uint64_t line) {
    Value record;
    try {
      record = value_from_json(row, file);
    } catch (const core::Error&) {
      throw bad(file, line, "malformed JSON");
    }
    const Value* ops = record.find("ops");
    const bool framing = record.find("format") != nullptr || record.find("end") != nullptr;
    if (ops == nullptr && framing) return;  // header and trailer
    const Value* session = record.find("session");
    if (session == nullptr) throw bad(file, line, "\"session\" is missing");
    if (ops == nullptr || ops->kind != Value::Kind::kList)
      throw bad(file, line, "\"ops\" is missing");
    Txn txn;
    txn.line = line;
    txn.session =
        sessions.emplace(session->canonical(), static_cast<std::uint32_t>(sessions.size()))
            .first->second;
    const Value* status = record.find("status");
    if (status != nullptr && status->is("fail")) txn.status = Status::kFail;
    if (status != nullptr && status->is("info")) txn.status = Status::kInfo;
    if (status != nullptr && txn.status == Status::kOk && !status->is("ok")) {
      throw bad(file, line, "\"status\" is none of ok, fail, info");
    }
    const Value* start = record.find("start");
    const Value* end = record.find("end");
    if (start != nullptr && start->kind == Value::Kind::kInt) {
      txn.timed = true;
      txn.start = start->number;
      if (end != nullptr && end->kind == Value::Kind::kInt && txn.status == Status::kOk)
        txn.end = end->number;
      if (txn.end < txn.start) throw bad(file, line, "\"start\" is after \"end\"");
    }
    for (const Value& op : ops->items) add_op(history, txn, op, txn.status == Status::kOk, file);
    history.txns.push_back(std::move(txn));
  });
  settle_lists(history, file);
  return history;
}

TxnHistory txns_from_dbcop(std::string_view text, const std::string& file) {
  TxnHistory history;
  const Value document = value_from_json(text, file);
  const Value* data = document.kind == Value::Kind::kMap ? document.find("data") : &document;
  if (data == nullptr || data->kind != Value::Kind::kList)
    throw bad(file, 1, "expected a list of sessions");
  std::uint32_t session = 0;
  for (const Value& txns : data->items) {
    for (const Value& from : txns.items) {
      Txn txn;
      txn.session = session;
      txn.line = 1;
      const Value* events = from.find("events");
      const Value* committed = from.find("committed");
      if (events == nullptr) throw bad(file, 1, "a transaction without \"events\"");
      if (committed != nullptr && committed->kind == Value::Kind::kBool && !committed->flag) {
        txn.status = Status::kFail;
      }
      for (const Value& event : events->items) {
        const Value* read = event.find("Read");
        const Value* write = event.find("Write");
        const Value* what = read != nullptr ? read : write;
        const Value* variable = what == nullptr ? nullptr : what->find("variable");
        const Value* version = what == nullptr ? nullptr : what->find("version");
        if (variable == nullptr)
          throw bad(file, 1, "an event is {\"Read\"|\"Write\": {variable, version}}");
        TxnOp op;
        op.kind = read != nullptr ? TxnOp::Kind::kRead : TxnOp::Kind::kWrite;
        op.key = history.keys.number(name_of(*variable));
        if (version != nullptr && !version->is_nil())
          op.value = history.values.number(name_of(*version));
        txn.ops.push_back(std::move(op));
        ++history.ops;
      }
      history.txns.push_back(std::move(txn));
    }
    ++session;
  }
  return history;
}

TxnHistory txns_from_plume(std::string_view text, const std::string& file) {
  TxnHistory history;
  std::map<std::pair<std::string, std::string>, std::size_t> open;
  std::map<std::string, std::uint32_t> sessions;
  for_each_line(text, [&](std::string_view row, std::uint64_t line) {
    const auto refuse = [&] {
      throw bad(file, line, "expected r(key,value,session,txn) or w(...)");
    };
    if (row.size() < 5 || (row[0] != 'r' && row[0] != 'w') || row[1] != '(' || row.back() != ')')
      refuse();
    std::array<std::string, 4> fields;
    std::string_view rest = row.substr(2, row.size() - 3);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t comma = rest.find(',');
      if ((comma == std::string_view::npos) != (i == 3)) refuse();
      std::string_view field = rest.substr(0, comma);
      while (field.starts_with(' ')) field.remove_prefix(1);
      fields[i] = field;
      if (i < 3) rest.remove_prefix(comma + 1);
    }
    const bool aborted = fields[3] == "-1";
    auto found = open.find({fields[2], fields[3]});
    if (found == open.end()) {
      Txn txn;
      txn.session =
          sessions.emplace(fields[2], static_cast<std::uint32_t>(sessions.size())).first->second;
      txn.line = line;
      if (aborted) txn.status = Status::kFail;
      found = open.emplace(std::pair(fields[2], fields[3]), history.txns.size()).first;
      history.txns.push_back(std::move(txn));
    }
    TxnOp op;
    op.kind = row[0] == 'r' ? TxnOp::Kind::kRead : TxnOp::Kind::kWrite;
    op.key = history.keys.number(fields[0]);
    if (fields[1] != "0") op.value = history.values.number(fields[1]);
    history.txns[found->second].ops.push_back(std::move(op));
    ++history.ops;
  });
  return history;
}

TxnHistory txns_from_awdit(std::string_view text, const std::string& file) {
  TxnHistory history;
  history.has_initial = false;
  std::uint32_t session = 0;
  bool fresh = true;
  for_each_line(text, [&](std::string_view row, std::uint64_t line) {
    if (row.find_first_not_of('-') == std::string_view::npos) {
      fresh = true;
      return;
    }
    if (row.find_first_not_of('=') == std::string_view::npos) {
      fresh = true;
      ++session;
      return;
    }
    EdnReader reader(row, file, line);
    Value f, key, value;
    if (!reader.next(f) || !reader.next(key) || !reader.next(value) || (!f.is("r") && !f.is("w"))) {
      throw bad(file, line, "expected r K V, w K V, ----- or =====");
    }
    if (fresh) {
      history.txns.emplace_back();
      history.txns.back().session = session;
      history.txns.back().line = line;
      fresh = false;
    }
    TxnOp op;
    op.kind = f.is("r") ? TxnOp::Kind::kRead : TxnOp::Kind::kWrite;
    op.key = history.keys.number(name_of(key));
    op.value = history.values.number(name_of(value));
    history.txns.back().ops.push_back(std::move(op));
    ++history.ops;
  });
  return history;
}

}  // namespace stateutils::sbus
