#include "sbus/jepsen_invariants.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace stateutils::sbus {
namespace {

core::Error bad(const std::string& file, const Call& call, const char* what) {
  return core::input_error({file, call.line}, what);
}

// Jepsen's bank has the accounts 0 to 7 unless a test names others, which no history tells.
bool is_account(const Value& key) {
  if (key.kind == Value::Kind::kInt) return key.number >= 0 && key.number <= 7;
  return key.kind == Value::Kind::kText && key.text.size() == 1 && key.text[0] >= '0' &&
         key.text[0] <= '7';
}

InvariantResult concluded(std::map<std::string, std::uint64_t> anomalies) {
  return {anomalies.empty() ? Verdict::kValid : Verdict::kInvalid, std::move(anomalies)};
}

}  // namespace

InvariantResult check_bank(const std::vector<Call>& calls, const std::string& file) {
  std::map<std::string, std::uint64_t> anomalies;
  std::optional<std::int64_t> expected;
  for (const Call& call : calls) {
    if (call.f != "read" || call.status != Status::kOk) continue;
    if (call.result.kind != Value::Kind::kMap)
      throw bad(file, call, "a read of a bank is a map of balances");
    std::int64_t total = 0;
    bool whole = true, known = true;
    for (std::size_t i = 1; i < call.result.items.size(); i += 2) {
      const Value& balance = call.result.items[i];
      known = known && is_account(call.result.items[i - 1]);
      if (balance.kind != Value::Kind::kInt) {
        whole = false;
        continue;
      }
      if (balance.number < 0) ++anomalies["negative-balance"];
      if (__builtin_add_overflow(total, balance.number, &total))
        throw bad(file, call, "the total overflows");
    }
    if (!known) ++anomalies["unexpected-key"];
    if (!whole) {
      ++anomalies["missing-balance"];
      continue;
    }
    if (!expected) expected = total;
    if (total != *expected) ++anomalies["wrong-total"];
  }
  return concluded(std::move(anomalies));
}

InvariantResult check_counter(const std::vector<Call>& calls, const std::string& file) {
  struct Edge {
    std::int64_t time, low, high;
  };
  std::vector<Edge> adds;  // how the bounds move, in time
  for (const Call& call : calls) {
    if (call.f != "add" || call.status == Status::kFail) continue;
    const Value& by = call.argument;
    if (by.kind != Value::Kind::kInt || by.number > INT32_MAX || by.number < INT32_MIN) {
      throw bad(file, call, "an add is by an integer of 32 bits");
    }
    // What may have happened widens the bounds on one side when it begins, on both when it has.
    const bool up = by.number >= 0;
    adds.push_back({call.start, up ? 0 : by.number, up ? by.number : 0});
    if (call.status == Status::kOk)
      adds.push_back({call.end, up ? by.number : 0, up ? 0 : by.number});
  }
  std::stable_sort(adds.begin(), adds.end(),
                   [](const Edge& x, const Edge& y) { return x.time < y.time; });
  std::vector<std::int64_t> low{0}, high{0};
  for (const Edge& edge : adds) {
    low.push_back(low.back() + edge.low);
    high.push_back(high.back() + edge.high);
  }
  const auto before = [&](std::int64_t time) {
    const auto at = std::upper_bound(adds.begin(), adds.end(), time,
                                     [](std::int64_t t, const Edge& e) { return t < e.time; });
    return static_cast<std::size_t>(at - adds.begin());
  };
  std::map<std::string, std::uint64_t> anomalies;
  for (const Call& call : calls) {
    if (call.f != "read" || call.status != Status::kOk) continue;
    if (call.result.kind != Value::Kind::kInt)
      throw bad(file, call, "a read of a counter is an integer");
    // The bounds may have been anywhere between those of the read's begin and end.
    const std::size_t first = before(call.start), last = before(call.end);
    const std::int64_t lowest =
        *std::min_element(low.begin() + static_cast<std::ptrdiff_t>(first),
                          low.begin() + static_cast<std::ptrdiff_t>(last) + 1);
    const std::int64_t highest =
        *std::max_element(high.begin() + static_cast<std::ptrdiff_t>(first),
                          high.begin() + static_cast<std::ptrdiff_t>(last) + 1);
    if (call.result.number < lowest || call.result.number > highest) ++anomalies["out-of-bounds"];
  }
  return concluded(std::move(anomalies));
}

InvariantResult check_set_full(const std::vector<Call>& calls, const std::string& file) {
  struct Element {
    bool added = false;
    std::int64_t known = Call::kNever;                 // from here on it is in the set
    std::int64_t last_present = -1, last_absent = -1;  // begins of reads
  };
  std::map<std::string, Element> elements;
  struct Read {
    std::int64_t start, end;
    std::set<std::string> seen;
  };
  std::vector<Read> reads;
  std::map<std::string, std::uint64_t> anomalies;
  for (const Call& call : calls) {
    if (call.f == "add" && call.status != Status::kFail) {
      Element& element = elements[call.argument.canonical()];
      element.added = true;
      if (call.status == Status::kOk) element.known = std::min(element.known, call.end);
    } else if (call.f == "read" && call.status == Status::kOk) {
      if (call.result.kind != Value::Kind::kList)
        throw bad(file, call, "a read of a set is a list");
      Read read{call.start, call.end, {}};
      for (const Value& item : call.result.items) {
        if (!read.seen.insert(item.canonical()).second) ++anomalies["duplicate-elements"];
      }
      reads.push_back(std::move(read));
    }
  }
  for (const Read& read : reads) {
    for (const std::string& seen : read.seen) {
      const auto found = elements.find(seen);
      if (found == elements.end()) continue;
      Element& element = found->second;
      element.known = std::min(element.known, read.end);
      element.last_present = std::max(element.last_present, read.start);
    }
  }
  for (const Read& read : reads) {
    for (auto& [name, element] : elements) {
      if (read.start > element.known && !read.seen.contains(name)) {
        element.last_absent = std::max(element.last_absent, read.start);
      }
    }
  }
  for (const auto& [unused, element] : elements) {
    if (element.known != Call::kNever && element.last_absent > element.last_present)
      ++anomalies["lost"];
  }
  return concluded(std::move(anomalies));
}

}  // namespace stateutils::sbus
