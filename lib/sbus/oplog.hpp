// Reads the JSON Lines form of operation logs (stream "oplog" of records.md).
#pragma once

#include "core/jsonl.hpp"
#include "sbus/op_record.hpp"

namespace stateutils::sbus {

// Fills `out` from one line; a field that is missing or of the wrong kind is kInput at the line.
class OplogDecoder {
 public:
  void decode(const core::Record& record, OpRecord& out);

 private:
  static constexpr std::size_t kFields = 12;
  std::array<std::optional<simdjson::dom::element>, kFields> values_;
};

}  // namespace stateutils::sbus
