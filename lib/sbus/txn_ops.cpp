#include "sbus/txn_ops.hpp"

namespace stateutils::sbus {

std::uint32_t number_of(TextTable& table, const Value& value) {
  switch (value.kind) {
    case Value::Kind::kInt:
      return table.number(value.number);
    case Value::Kind::kText:
      return table.number('"' + value.text + '"');
    case Value::Kind::kReal:
      return table.number(value.text);
    default:
      return table.number(value.is_nil() ? "nil" : value.canonical());
  }
}

void add_op(TxnHistory& history, Txn& txn, const Value& op, bool results, const std::string& file) {
  if (op.kind != Value::Kind::kList || op.items.size() != 3 ||
      op.items[0].kind != Value::Kind::kText) {
    throw history_error(file, txn.line, "an operation of a transaction is [f key value]");
  }
  const std::string& f = op.items[0].text;
  const Value& value = op.items[2];
  TxnOp out;
  out.key = number_of(history.keys, op.items[1]);
  if (f == "append" || f == "a") {
    out.kind = TxnOp::Kind::kAppend;
    out.value = number_of(history.values, value);
    history.list_append = true;
  } else if (f == "w" || f == "write") {
    out.kind = TxnOp::Kind::kWrite;
    out.value = number_of(history.values, value);
  } else if (f == "r" || f == "read") {
    if (!results) return;
    if (value.kind == Value::Kind::kList) {
      out = history.read_of_list(out.key, {});
      for (const Value& item : value.items) {
        history.elements.push_back(number_of(history.values, item));
      }
      out.length = static_cast<std::uint32_t>(value.items.size());
      history.list_append = true;
    } else {
      out.value = value.is_nil() ? TxnHistory::kInitial : number_of(history.values, value);
    }
  } else {
    throw history_error(file, txn.line, core::quoted(f) + " is none of r, w, append");
  }
  txn.ops.push_back(out);
  ++history.ops;
}

void settle_lists(TxnHistory& history, const std::string& file) {
  if (!history.list_append) return;
  for (Txn& txn : history.txns) {
    for (TxnOp& op : txn.ops) {
      const bool of_register = op.kind == TxnOp::Kind::kWrite ||
                               (op.kind == TxnOp::Kind::kRead && op.value != TxnHistory::kInitial);
      if (of_register) throw history_error(file, txn.line, "lists and registers in one history");
      if (op.kind == TxnOp::Kind::kRead) op = history.read_of_list(op.key, {});
    }
  }
}

}  // namespace stateutils::sbus
