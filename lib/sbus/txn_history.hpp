// Transactional histories in one form, and the text formats they come in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sbus/history.hpp"

namespace stateutils::sbus {

// Texts as numbers, for keys and values.
class TextTable {
 public:
  std::uint32_t number(const std::string& text) {
    const auto [entry, added] = numbers_.emplace(text, static_cast<std::uint32_t>(texts_.size()));
    if (added) texts_.push_back(text);
    return entry->second;
  }
  [[nodiscard]] const std::string& text(std::uint32_t number) const { return texts_[number]; }
  [[nodiscard]] std::size_t size() const { return texts_.size(); }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::string> texts_;
};

struct TxnOp {
  enum class Kind : std::uint8_t { kRead, kWrite, kAppend, kReadList } kind = Kind::kRead;
  std::uint32_t key = 0;
  std::uint32_t value = 0;          // register read or write, append
  std::vector<std::uint32_t> list;  // of kReadList
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

  std::vector<Txn> txns;  // the txns of a session in its order
  TextTable keys, values;
  bool has_initial = true;  // false: every read names a write (AWDIT text)
  bool list_append = false;
  std::uint64_t ops = 0;
};

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
