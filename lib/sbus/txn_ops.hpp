// What the readers of histories of transactions share.
#pragma once

#include <string>

#include "core/error.hpp"
#include "sbus/txn_history.hpp"
#include "sbus/value.hpp"

namespace stateutils::sbus {

[[nodiscard]] inline core::Error history_error(const std::string& file, std::uint64_t line,
                                               const std::string& what) {
  return core::input_error({file, line}, what);
}

// The number of a key or value. Texts and numbers are told apart where both name keys or values.
[[nodiscard]] std::uint32_t number_of(TextTable& table, const Value& value);

// Adds [f key value] to a transaction. Without `results` its reads are left out: nobody saw them.
void add_op(TxnHistory& history, Txn& txn, const Value& op, bool results, const std::string& file);

// A nil read of a list is the empty list. Lists and registers in one history are kInput.
void settle_lists(TxnHistory& history, const std::string& file);

}  // namespace stateutils::sbus
