// Any bytes, after the first one, as a history in the form that the first byte names.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/error.hpp"
#include "sbus/jepsen_invariants.hpp"
#include "sbus/linear_models.hpp"
#include "sbus/txn_check.hpp"

namespace {

using namespace stateutils::sbus;

void check(const TxnHistory& history) {
  if (history.txns.size() > 200) return;
  for (const Level level : {Level::kRc, Level::kCc, Level::kWfr, Level::kSi, Level::kStrict}) {
    TxnOptions options;
    options.level = level;
    options.budget = 10000;
    (void)check_txns(history, options, "fuzz");
  }
}

void check(const std::vector<Call>& calls) {
  for (const auto model : {LinearModel::kRegister, LinearModel::kKv, LinearModel::kMutex}) {
    try {
      (void)check_linear_history(calls, model, 10000, "fuzz");
    } catch (const stateutils::core::Error&) {
    }
  }
  for (auto* const checker : {check_bank, check_counter, check_set_full}) {
    try {
      (void)checker(calls, "fuzz");
    } catch (const stateutils::core::Error&) {
    }
  }
  check(txns_from_calls(calls, "fuzz"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0]) {
      case 'e':
        if (const auto txns = txns_from_edn(text, "fuzz")) check(*txns);
        check(calls_from_edn(text, "fuzz"));
        break;
      case 'j':
        if (const auto txns = txns_from_json(text, "fuzz")) check(*txns);
        check(calls_from_json(text, "fuzz"));
        break;
      case 'l':
        check(calls_from_log(text, "fuzz"));
        break;
      case 'o':
        check(txns_from_jsonl(text, "fuzz"));
        break;
      case 'd':
        check(txns_from_dbcop(text, "fuzz"));
        break;
      case 'p':
        check(txns_from_plume(text, "fuzz"));
        break;
      case 'a':
        check(txns_from_awdit(text, "fuzz"));
        break;
      default:
        break;
    }
  } catch (const stateutils::core::Error&) {
  }
  return 0;
}
