#include "sbus/txn_history.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "sbus/txn_ops.hpp"

namespace stateutils::sbus {
namespace {

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

TxnHistory txns_from_jsonl(std::string_view text, const std::string& file) {
  TxnHistory history;
  std::map<std::string, std::uint32_t> sessions;
  JsonReader reader;
  Value record;
  for_each_line(text, [&](std::string_view row, std::uint64_t line) {
    try {
      reader.read(row, file, record);
    } catch (const core::Error&) {
      throw history_error(file, line, "malformed JSON");
    }
    const Value* ops = record.find("ops");
    const bool framing = record.find("format") != nullptr || record.find("end") != nullptr;
    if (ops == nullptr && framing) return;  // header and trailer
    const Value* session = record.find("session");
    if (session == nullptr) throw history_error(file, line, "\"session\" is missing");
    if (ops == nullptr || ops->kind != Value::Kind::kList)
      throw history_error(file, line, "\"ops\" is missing");
    Txn txn;
    txn.line = line;
    txn.session =
        sessions.emplace(session->canonical(), static_cast<std::uint32_t>(sessions.size()))
            .first->second;
    const Value* status = record.find("status");
    if (status != nullptr && status->is("fail")) txn.status = Status::kFail;
    if (status != nullptr && status->is("info")) txn.status = Status::kInfo;
    if (status != nullptr && txn.status == Status::kOk && !status->is("ok")) {
      throw history_error(file, line, "\"status\" is none of ok, fail, info");
    }
    const Value* start = record.find("start");
    const Value* end = record.find("end");
    if (start != nullptr && start->kind == Value::Kind::kInt) {
      txn.timed = true;
      txn.start = start->number;
      if (end != nullptr && end->kind == Value::Kind::kInt && txn.status == Status::kOk)
        txn.end = end->number;
      if (txn.end < txn.start) throw history_error(file, line, "\"start\" is after \"end\"");
    }
    for (const Value& op : ops->items) add_op(history, txn, op, txn.status == Status::kOk, file);
    history.txns.push_back(std::move(txn));
  });
  settle_lists(history, file);
  return history;
}

TxnHistory txns_from_dbcop(std::string_view text, const std::string& file) {
  TxnHistory history;
  Value document;
  JsonReader().read(text, file, document);
  const Value* data = document.kind == Value::Kind::kMap ? document.find("data") : &document;
  if (data == nullptr || data->kind != Value::Kind::kList)
    throw history_error(file, 1, "expected a list of sessions");
  std::uint32_t session = 0;
  for (const Value& txns : data->items) {
    for (const Value& from : txns.items) {
      Txn txn;
      txn.session = session;
      txn.line = 1;
      const Value* events = from.find("events");
      const Value* committed = from.find("committed");
      if (events == nullptr) throw history_error(file, 1, "a transaction without \"events\"");
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
          throw history_error(file, 1, "an event is {\"Read\"|\"Write\": {variable, version}}");
        TxnOp op;
        op.kind = read != nullptr ? TxnOp::Kind::kRead : TxnOp::Kind::kWrite;
        op.key = number_of(history.keys, *variable);
        if (version != nullptr && !version->is_nil())
          op.value = number_of(history.values, *version);
        txn.ops.push_back(op);
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
  Names sessions, txns;  // a transaction is named "session,txn"
  std::vector<std::size_t> txn_of_name;
  std::string open;  // the transaction of the line before
  std::size_t at = 0;
  for_each_line(text, [&](std::string_view row, std::uint64_t line) {
    const auto refuse = [&] {
      throw history_error(file, line, "expected r(key,value,session,txn) or w(...)");
    };
    if (row.size() < 5 || (row[0] != 'r' && row[0] != 'w') || row[1] != '(' || row.back() != ')')
      refuse();
    std::array<std::string_view, 4> fields;
    std::string_view rest = row.substr(2, row.size() - 3);
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t comma = rest.find(',');
      if ((comma == std::string_view::npos) != (i == 3)) refuse();
      fields[i] = rest.substr(0, comma);
      while (fields[i].starts_with(' ')) fields[i].remove_prefix(1);
      if (i < 3) rest.remove_prefix(comma + 1);
    }
    const auto is_open = [&] {
      return open.size() == fields[2].size() + 1 + fields[3].size() && open.ends_with(fields[3]) &&
             open.starts_with(fields[2]) && open[fields[2].size()] == ',';
    };
    if (history.txns.empty() || !is_open()) {
      open.assign(fields[2]).append(",").append(fields[3]);
      const std::uint32_t name = txns.number(open);
      if (name == txn_of_name.size()) {
        txn_of_name.push_back(history.txns.size());
        Txn& txn = history.txns.emplace_back();
        txn.session = sessions.number(fields[2]);
        txn.line = line;
        if (fields[3] == "-1") txn.status = Status::kFail;
      }
      at = txn_of_name[name];
    }
    TxnOp op;
    op.kind = row[0] == 'r' ? TxnOp::Kind::kRead : TxnOp::Kind::kWrite;
    op.key = history.keys.number(fields[0]);
    if (fields[1] != "0") op.value = history.values.number(fields[1]);
    history.txns[at].ops.push_back(op);
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
      throw history_error(file, line, "expected r K V, w K V, ----- or =====");
    }
    if (fresh) {
      history.txns.emplace_back();
      history.txns.back().session = session;
      history.txns.back().line = line;
      fresh = false;
    }
    TxnOp op;
    op.kind = f.is("r") ? TxnOp::Kind::kRead : TxnOp::Kind::kWrite;
    op.key = number_of(history.keys, key);
    op.value = number_of(history.values, value);
    history.txns.back().ops.push_back(op);
    ++history.ops;
  });
  return history;
}

}  // namespace stateutils::sbus
