// Transactional histories in one form, and the text formats they come in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sbus/history.hpp"
#include "sbus/text_table.hpp"

namespace stateutils::sbus {

struct TxnOp {
  enum class Kind : std::uint8_t { kRead, kWrite, kAppend, kReadList } kind = Kind::kRead;
  std::uint32_t key = 0;
  std::uint32_t value = 0;   // register read or write, append; of kReadList: see TxnHistory::list
  std::uint32_t length = 0;  // of kReadList
};

struct Txn {
  std::uint32_t session = 0;
  Status status = Status::kOk;
  bool timed = false;
  std::int64_t start = 0, end = Call::kNever;
  std::uint64_t line = 0;
  std::vector<TxnOp> ops;
};

struct TxnHistory {
  static constexpr std::uint32_t kInitial = 0;  // the value nil: the state before any write
  TxnHistory() { (void)values.number("nil"); }

  // A read of a list; its elements are kept here.
  [[nodiscard]] TxnOp read_of_list(std::uint32_t key, std::span<const std::uint32_t> list) {
    const auto begin = static_cast<std::uint32_t>(elements.size());
    elements.insert(elements.end(), list.begin(), list.end());
    return {TxnOp::Kind::kReadList, key, begin, static_cast<std::uint32_t>(list.size())};
  }
  [[nodiscard]] std::span<const std::uint32_t> list(const TxnOp& read) const {
    return std::span(elements).subspan(read.value, read.length);
  }

  std::vector<Txn> txns;  // the txns of a session in its order
  std::vector<std::uint32_t> elements;
  TextTable keys, values;
  bool has_initial = true;  // false: every read names a write (AWDIT text)
  bool list_append = false;
  std::uint64_t ops = 0;
};

// Jepsen operations in EDN, as calls_from_edn() reads them, if all of them are transactions.
[[nodiscard]] std::optional<TxnHistory> txns_from_edn(std::string_view text,
                                                      const std::string& file);
// The same in JSON, an operation a line.
[[nodiscard]] std::optional<TxnHistory> txns_from_json(std::string_view text,
                                                       const std::string& file);
[[nodiscard]] TxnHistory txns_from_calls(const std::vector<Call>& calls, const std::string& file);
// {"session","txn","status","start","end","ops":[["r",k,v],["w",k,v],["a",k,v]]}, a line each.
[[nodiscard]] TxnHistory txns_from_jsonl(std::string_view text, const std::string& file);
// {"data":[session...]} or [session...]; a session is a list of {"events":[...],"committed"}.
[[nodiscard]] TxnHistory txns_from_dbcop(std::string_view text, const std::string& file);
// r(key,value,session,txn) and w(...); txn -1 is aborted, value 0 the initial state.
[[nodiscard]] TxnHistory txns_from_plume(std::string_view text, const std::string& file);
// "w K V" and "r K V", ----- ends a transaction, ===== a session.
[[nodiscard]] TxnHistory txns_from_awdit(std::string_view text, const std::string& file);

}  // namespace stateutils::sbus
