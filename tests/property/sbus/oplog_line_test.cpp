// The reader of plain lines against the decoder of parsed records: whatever it takes, the other
// takes too and understands in the same way.
#include "sbus/oplog_line.hpp"

#include <doctest.h>

#include <random>
#include <string>
#include <vector>

#include "core/input.hpp"
#include "sbus/op_source.hpp"
#include "sbus/oplog.hpp"

using namespace stateutils;
using namespace stateutils::sbus;

namespace {

std::string shown(const OpRecord& r) {
  const auto number = [](const std::optional<std::int64_t>& n) {
    return n ? std::to_string(*n) : std::string("-");
  };
  std::string out = std::string(op_name(r.op)) + ' ' + std::to_string(r.status) + ' ';
  out += number(r.ts) + ' ' + number(r.start) + ' ' + number(r.end) + ' ' + number(r.version) +
         ' ' + number(r.expected);
  for (const std::string_view text : {r.agent, r.key, r.error})
    out += " <" + std::string(text) + '>';
  for (const ReadItem& item : r.read_set) {
    out += " [" + std::string(item.key) + ' ' + std::to_string(item.version) + ']';
  }
  for (const std::string_view key : r.keys) out += " (" + std::string(key) + ')';
  return out + (r.whole_read_set ? " whole" : "");
}

// What the decoder of records makes of a line; empty when it refuses it.
std::string by_tree(const std::string& line) {
  const auto source = core::memory_input(line);
  core::JsonlReader reader(*source, {.format = "oplog"});
  OplogDecoder decoder;
  OpRecord out;
  try {
    const core::Record* record = reader.next();
    if (record == nullptr) return {};
    decoder.decode(*record, out);
    return shown(out);
  } catch (const core::Error&) {
    return {};
  }
}

// What the reader of plain lines makes of it, with `behind` in the memory after it; empty when it
// leaves it to the other.
std::string by_line(const std::string& line, std::string_view behind) {
  std::string memory = line;
  memory.append(behind).append(simdjson::SIMDJSON_PADDING, ' ');
  OpRecord out;
  out.read_set.push_back({"left", 1});  // over from another line
  out.keys.push_back("over");
  out.ts = 5;
  if (!decode_plain_line(std::string_view(memory).substr(0, line.size()), out)) return {};
  return shown(out);
}

class Lines {
 public:
  explicit Lines(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  bool chance(std::size_t in) { return below(in) == 0; }

  // A record as writers make them, or nearly.
  std::string next() {
    static constexpr const char* kOps[] = {"get",     "get",      "commit", "commit",  "create",
                                           "session", "register", "expire", "rollback"};
    const std::string op = kOps[below(9)];
    std::vector<std::string> fields;
    const auto add = [&](const std::string& name, const std::string& value, std::size_t keep) {
      if (below(40) >= keep) return;
      fields.push_back('"' + name + "\":" + (blank_ ? " " : "") + value);
    };
    blank_ = chance(4);
    add("ts", number(), 30);
    add("agent", text(), 39);
    add("op", '"' + op + '"', 40);
    add("key", text(), 39);
    add("expected_version", number(), op == "commit" ? 39 : 2);
    add("status", chance(20) ? number() : chance(3) ? "409" : "200", 40);
    add("version", number(), 35);
    add("start", number(), 4);
    add("end", number(), 4);
    add("error", text(), 4);
    add("read_set", read_set(), 6);
    add("keys", keys(), op == "register" ? 38 : 2);
    add("other", number(), 1);
    if (chance(6)) std::swap(fields[below(fields.size())], fields[below(fields.size())]);
    if (chance(60)) fields.push_back(fields[below(fields.size())]);
    std::string line = "{";
    for (std::size_t i = 0; i < fields.size(); ++i) {
      line += (i == 0 ? "" : blank_ ? ", " : ",") + fields[i];
    }
    return line + '}';
  }
  // A few bytes inserted, removed or replaced, or the end cut off.
  std::string damaged(std::string line) {
    static constexpr char kText[] = "\"\\{}[],: 0123456789-.eE+nulltrue\t\r\0\x7f\x80\xc3\xa9u";
    static constexpr std::string_view kBytes(kText, sizeof kText - 1);
    for (std::size_t n = 1 + below(3); n > 0 && !line.empty(); --n) {
      const std::size_t at = below(line.size());
      const char byte = kBytes[below(kBytes.size())];
      switch (below(5)) {
        case 0:
          line.insert(at, 1, byte);
          break;
        case 1:
          line.erase(at, 1 + below(3));
          break;
        case 2:
          line.resize(at);
          break;
        case 3:
          line.insert(at, line.substr(below(line.size()), 1 + below(12)));
          break;
        default:
          line[at] = byte;
          break;
      }
    }
    return line;
  }

 private:
  std::string number() {
    switch (below(12)) {
      case 0:
        return "9223372036854775807";
      case 1:
        return "9223372036854775808";
      case 2:
        return std::to_string(1700000000000000000u + below(1u << 30));
      case 3:
        return chance(2) ? "-1" : chance(2) ? "1.5" : "null";
      case 4:
        return std::string(below(25), '1') + '0';
      case 5:
        return chance(2) ? "007" : "18446744073709551616";
      default:
        return std::to_string(below(std::size_t{1} << below(34)));
    }
  }
  std::string text() {
    std::string out = "\"";
    for (std::size_t n = below(chance(8) ? 40 : 12); n > 0; --n) {
      if (chance(60)) {
        out += chance(2) ? "\\n" : "\xc3\xa9";
      } else {
        out += static_cast<char>('!' + 2 + below(57));
      }
    }
    if (chance(60)) return "7";
    return out + '"';
  }
  std::string read_set() {
    std::string out = "[";
    for (std::size_t n = below(4); n > 0; --n) {
      if (out.size() > 1) out += blank_ ? ", " : ",";
      out += "{\"key\":" + text() + ",\"version_at_read\":" + number() + '}';
    }
    return out + ']';
  }
  std::string keys() {
    std::string out = "[";
    for (std::size_t n = below(4); n > 0; --n) out += (out.size() > 1 ? "," : "") + text();
    return out + ']';
  }

  std::mt19937 random_;
  bool blank_ = false;
};

}  // namespace

TEST_CASE("plain lines are read as parsed ones are, damaged ones are never taken for good") {
  int taken = 0, good = 0, taken_damaged = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    Lines lines(seed);
    for (int i = 0; i < 1000; ++i) {
      const std::string line = lines.next();
      const std::string cut = lines.damaged(line);
      CAPTURE(line);
      CAPTURE(cut);
      const std::string expected = by_tree(line), found = by_line(line, "\n");
      CHECK((found.empty() || found == expected));
      good += expected.empty() ? 0 : 1;
      taken += found.empty() ? 0 : 1;
      // What is behind a line, here the rest of it or another, is no part of it.
      const std::size_t end = line.size() - lines.below(line.size());
      for (const std::string_view behind :
           {std::string_view("\n"), std::string_view(line).substr(end), std::string_view(line)}) {
        const std::string found_cut = by_line(cut, behind);
        CHECK((found_cut.empty() || found_cut == by_tree(cut)));
        taken_damaged += found_cut.empty() ? 0 : 1;
      }
      const std::string head = line.substr(0, end), rest = line.substr(end);
      const std::string found_head = by_line(head, rest);
      CHECK((found_head.empty() || end == line.size()));
    }
  }
  CHECK(good > 15000);
  CHECK(taken > good / 2);
  CHECK(taken_damaged > 1000);
}

TEST_CASE("lines as our writers and others make them are plain") {
  for (
      const char* line :
      {R"({"ts":1005,"agent":"a0","op":"get","key":"k2","status":200,"version":0})",
       R"({"ts": 1005, "agent": "a0", "op": "get", "key": "k2", "status": 304, "version": 12345678})",
       R"({"agent":"","expected_version":12,"key":"a/b","op":"commit","status":409})",
       R"({"ts":1700000000123456789,"agent":"x","op":"commit","key":"k","expected_version":1,)"
       R"("status":200,"version":2,"read_set":[{"key":"j","version_at_read":3}],"start":1,"end":2})",
       R"({"op":"register","agent":"x","status":200,"keys":["a","b"]})",
       R"({"op":"create","key":"x","status":201,"version":0})"}) {
    CAPTURE(line);
    CHECK(!by_line(line, "\n").empty());
    CHECK(by_line(line, "\n") == by_tree(line));
  }
}

TEST_CASE("a log with plain and other lines is read in order, and framing holds") {
  std::string text = "{\"format\":\"stateutils.oplog\",\"version\":1}\n";
  for (int i = 0; i < 50; ++i) {
    text += R"({"agent":"a","op":"get","key":"k)" + std::string(i % 3 == 0 ? "\\u0031" : "1") +
            R"(","status":200,"version":)" + std::to_string(i) + "}\r\n" + (i % 7 == 0 ? "\n" : "");
  }
  const auto read = [](const std::string& log) -> std::string {
    const auto source = core::memory_input(log);
    OpSourceOptions options;
    options.format = LogFormat::kJsonl;
    try {
      const auto records = open_log(*source, options);
      OpRecord record;
      std::string out;
      while (records->next(record)) {
        out += std::string(record.key) + std::to_string(*record.version) + '@' +
               std::to_string(record.line) + ' ';
      }
      return out;
    } catch (const core::Error& error) {
      return error.what();
    }
  };
  const std::string all = read(text + "{\"end\":true,\"records\":50}\n");
  CHECK(all.starts_with("k10@2 k11@4 k12@5 "));
  CHECK(all.ends_with("k149@58 "));
  CHECK(read(text).find("without its trailer") != std::string::npos);
  CHECK(read(text + "{\"end\":true,\"records\":49}\n").find("counts 49") != std::string::npos);
  CHECK(read(text + "{\"end\":true,\"records\":50}\n" +
             R"({"agent":"a","op":"get","key":"k","status":200,"version":1})" + "\n")
            .find("after the trailer") != std::string::npos);
}
