#include "bench/families/small/mpi.hpp"

#include <algorithm>
#include <map>

#include "bench/families/small/small.hpp"
#include "bench/judge/family_check.hpp"
#include "core/dom.hpp"
#include "core/input.hpp"
#include "core/json_writer.hpp"
#include "core/utf8.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxSource = 4u << 20;

bool name_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// Walks a C or C++ text, over comments, literals and preprocessor lines.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<MpiCall> calls() {
    std::vector<MpiCall> out;
    bool line_start = true;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (skip_quiet(line_start)) continue;
      if (name_byte(c)) {
        const std::size_t start = at_;
        while (at_ < text_.size() && name_byte(text_[at_])) ++at_;
        const std::size_t end = call_end(start);
        if (end != std::string_view::npos) {
          out.push_back({line_of(start), start, std::string(text_.substr(start, end - start))});
          at_ = end;
        }
        line_start = false;
        continue;
      }
      if (c == '\n') line_start = true;
      if (c != ' ' && c != '\t' && c != '\n') line_start = false;
      ++at_;
    }
    return out;
  }

 private:
  // Comments, literals, and lines that begin with #.
  bool skip_quiet(bool line_start) {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("//") || (line_start && rest[0] == '#')) {
      do {
        at_ = std::min(text_.find('\n', at_ + 1), text_.size());
      } while (at_ < text_.size() && text_[at_ - 1] == '\\');
      return true;
    }
    if (rest.starts_with("/*")) {
      const std::size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
      return true;
    }
    if (rest[0] == '"' || rest[0] == '\'') return skip_literal(rest[0]), true;
    return false;
  }

  void skip_literal(char quote) {
    for (++at_; at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  // One past the closing parenthesis of a call whose name begins at `start` and ends here.
  std::size_t call_end(std::size_t start) {
    if (!text_.substr(start, at_ - start).starts_with("MPI_")) return std::string_view::npos;
    const std::size_t name_end = at_;
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    if (at_ >= text_.size() || text_[at_] != '(') return at_ = name_end, std::string_view::npos;
    int depth = 0;
    while (at_ < text_.size()) {
      if (skip_quiet(false)) continue;
      if (text_[at_] == '(') ++depth;
      if (text_[at_++] == ')' && --depth == 0) return at_;
    }
    return at_ = name_end, std::string_view::npos;
  }

  std::uint64_t line_of(std::size_t at) {
    line_ += static_cast<std::uint64_t>(
        std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                   text_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    counted_ = at;
    return line_;
  }

  std::string_view text_;
  std::size_t at_ = 0, counted_ = 0;
  std::uint64_t line_ = 1;
};

std::string answer_json(const std::vector<MpiAnswer>& answers) {
  std::string out;
  core::JsonWriter json(out);
  json.begin_array();
  for (const MpiAnswer& a : answers) json.begin_array().value(a.line).value(a.call).end_array();
  json.end_array();
  return out;
}

double f1(std::size_t hits, std::size_t wanted, std::size_t given) {
  return wanted + given == 0 ? 1
                             : 2 * static_cast<double>(hits) / static_cast<double>(wanted + given);
}

class MpiCheck : public FamilyCheck {
 public:
  explicit MpiCheck(std::vector<MpiCall> calls) : calls_(std::move(calls)) {}

  [[nodiscard]] std::string_view name() const override { return "calls"; }

  [[nodiscard]] double quality(const Store&, Id, std::string_view answer) const override {
    std::vector<MpiAnswer> given;
    if (!read(answer, given)) return 0;
    const MpiScores s = score_mpi(calls_, given);
    return (s.function + s.place + s.arguments) / 3;
  }

  // Line by line, within the one line that the score allows.
  [[nodiscard]] bool is_right(const Store&, Id, std::string_view answer) const override {
    std::vector<MpiAnswer> given;
    if (!read(answer, given) || given.size() != calls_.size()) return false;
    std::stable_sort(given.begin(), given.end(),
                     [](const auto& a, const auto& b) { return a.line < b.line; });
    for (std::size_t i = 0; i < given.size(); ++i) {
      const MpiCall call{0, 0, given[i].call};
      const std::uint64_t far = given[i].line > calls_[i].line ? given[i].line - calls_[i].line
                                                               : calls_[i].line - given[i].line;
      if (far > 1 || call.function() != calls_[i].function() ||
          call.arguments() != calls_[i].arguments()) {
        return false;
      }
    }
    return true;
  }

  [[nodiscard]] std::vector<std::vector<std::string>> plans() const override {
    return {{"done " + answer_json(right())}};
  }

  [[nodiscard]] std::vector<WrongAnswer> wrong_answers() const override {
    std::vector<WrongAnswer> out;
    const auto add = [&](const char* op, std::vector<MpiAnswer> a) {
      out.push_back({op, answer_json(a)});
    };
    add("none", {});
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const auto place = static_cast<std::ptrdiff_t>(i);
      std::vector<MpiAnswer> a = right();
      a.erase(a.begin() + place);
      add("call_drop", a);
      a = right();
      a.insert(a.begin() + place, a[i]);
      add("call_double", a);
      a = right();
      a[i].line += 3;
      add("line_late", a);
      a = right();
      a[i].line += 100;
      add("line_far", a);
      a = right();
      a[i].call = "MPI_Barrier2" + a[i].call.substr(a[i].call.find('('));
      add("function_change", a);
      a[i].call = calls_[i].function() + "()";
      add("arguments_drop", a);
      a[i].call = calls_[i].function() + "(x, " + calls_[i].arguments() + ")";
      add("argument_add", a);
      a[i].call = calls_[i].function();
      add("no_call", a);
    }
    return out;
  }

 private:
  [[nodiscard]] std::vector<MpiAnswer> right() const {
    std::vector<MpiAnswer> out;
    for (const MpiCall& c : calls_) out.push_back({c.line, c.text});
    return out;
  }

  static bool read(std::string_view answer, std::vector<MpiAnswer>& out) {
    simdjson::dom::parser parser;
    simdjson::dom::array list;
    if (answer.empty() || core::parse_json(parser, answer).get(list) != simdjson::SUCCESS) {
      return false;
    }
    for (const auto item : list) {
      std::uint64_t line = 0;
      std::string_view call;
      if (item.at(0).get(line) != simdjson::SUCCESS || item.at(1).get(call) != simdjson::SUCCESS) {
        return false;
      }
      out.push_back({line, std::string(call)});
    }
    return true;
  }

  std::vector<MpiCall> calls_;
};

// A small program of its own for when no file is given: rounds of a few kinds of exchange.
std::string draw_program(core::Rng& rng) {
  static constexpr const char* kRounds[] = {
      "    if (rank > 0) MPI_Send(@, n, MPI_DOUBLE, rank - 1, TAG, MPI_COMM_WORLD);\n"
      "    if (rank + 1 < size) MPI_Recv(@, n, MPI_DOUBLE, rank + 1, TAG, MPI_COMM_WORLD, "
      "MPI_STATUS_IGNORE);\n",
      "    MPI_Bcast(@, n, MPI_DOUBLE, 0, MPI_COMM_WORLD);\n",
      "    MPI_Allreduce(MPI_IN_PLACE, @, n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);\n",
      "    MPI_Reduce(@, total, n, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);\n",
      "    MPI_Barrier(MPI_COMM_WORLD);\n",
      "    MPI_Gather(@, n, MPI_DOUBLE, total, n, MPI_DOUBLE, 0, MPI_COMM_WORLD);\n"};
  static constexpr const char* kWork[] = {
      "    for (int i = 0; i < n; ++i) @[i] += i;\n",
      "    for (int i = 1; i < n; ++i) @[i] = 0.5 * (@[i] + @[i - 1]);\n",
      "    @[0] = rank; /* the border */\n"};
  static constexpr const char* kNames[] = {"field", "flux", "mass", "heat", "load"};
  const std::string name = kNames[rng.below(std::size(kNames))];
  std::string out =
      "#include <mpi.h>\n#include <stdlib.h>\n\nint main(int argc, char** argv) {\n"
      "  int rank, size, n = 64;\n  MPI_Init(&argc, &argv);\n"
      "  MPI_Comm_rank(MPI_COMM_WORLD, &rank);\n  MPI_Comm_size(MPI_COMM_WORLD, &size);\n"
      "  double* @ = calloc(n, sizeof(double));\n  double* total = calloc(n * size, "
      "sizeof(double));\n"
      "  for (int round = 0; round < 10; ++round) {\n";
  const std::uint64_t rounds = 3 + rng.below(4);
  for (std::uint64_t r = 0; r < rounds; ++r) {
    out += kWork[rng.below(std::size(kWork))];
    std::string exchange = kRounds[rng.below(std::size(kRounds))];
    for (std::size_t tag; (tag = exchange.find("TAG")) != std::string::npos;) {
      exchange.replace(tag, 3, std::to_string(r));
    }
    out += exchange;
  }
  out += "  }\n  free(@);\n  free(total);\n  MPI_Finalize();\n  return 0;\n}\n";
  for (std::size_t at; (at = out.find('@')) != std::string::npos;) out.replace(at, 1, name);
  return out;
}

}  // namespace

std::string MpiCall::function() const {
  return text.substr(0, text.find_first_of(" \t("));
}

std::string MpiCall::arguments() const {
  const std::size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return "?";
  std::string out = text.substr(open + 1, close - open - 1);
  std::erase_if(out, [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
  return out;
}

StrippedSource strip_mpi(std::string_view source) {
  StrippedSource out;
  out.calls = Scanner(source).calls();
  std::size_t from = 0;
  for (const MpiCall& call : out.calls) {
    out.text += source.substr(from, call.offset - from);
    out.text.append(static_cast<std::size_t>(std::count(call.text.begin(), call.text.end(), '\n')),
                    '\n');
    from = call.offset + call.text.size();
  }
  out.text += source.substr(from);
  return out;
}

std::string restore_mpi(const StrippedSource& stripped) {
  std::string out;
  std::size_t from = 0;
  for (const MpiCall& call : stripped.calls) {
    const std::size_t before = call.offset - out.size();
    out += stripped.text.substr(from, before);
    out += call.text;
    from += before + static_cast<std::size_t>(std::count(call.text.begin(), call.text.end(), '\n'));
  }
  return out + stripped.text.substr(from);
}

MpiScores score_mpi(const std::vector<MpiCall>& wanted, const std::vector<MpiAnswer>& given) {
  std::map<std::string, std::size_t> open;
  for (const MpiCall& c : wanted) ++open[c.function()];
  std::size_t functions = 0, places = 0, arguments = 0;
  std::vector<MpiAnswer> sorted = given;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  std::vector<bool> taken(wanted.size(), false);
  for (const MpiAnswer& a : sorted) {
    const MpiCall call{a.line, 0, a.call};
    const auto left = open.find(call.function());
    if (left != open.end() && left->second > 0) --left->second, ++functions;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const std::uint64_t far =
          a.line > wanted[i].line ? a.line - wanted[i].line : wanted[i].line - a.line;
      if (taken[i] || far > 1 || call.function() != wanted[i].function()) continue;
      taken[i] = true;
      ++places;
      arguments += call.arguments() == wanted[i].arguments();
      break;
    }
  }
  return {f1(functions, wanted.size(), given.size()), f1(places, wanted.size(), given.size()),
          f1(arguments, wanted.size(), given.size())};
}

TaskRecord make_mpi(const SmallOptions& options, std::uint64_t index, core::Rng& rng) {
  std::vector<std::string> files;
  for (const auto& [name, value] : options.params) {
    if (name != "file") throw core::usage_error("mpi takes file=PATH, as often as there are files");
    files.push_back(value);
  }
  const std::string file = files.empty() ? "" : files[index % files.size()];
  const std::string source = file.empty() ? draw_program(rng) : core::read_file(file, kMaxSource);
  if (!core::is_valid_utf8(source)) throw core::input_error({file}, "invalid UTF-8");
  const StrippedSource stripped = strip_mpi(source);
  if (stripped.calls.empty()) throw core::input_error({file}, "holds no MPI call");
  if (restore_mpi(stripped) != source) throw std::logic_error("MPI calls do not restore");
  TaskRecord task = small_record(
      options, file.empty() ? "drawn" : "file", "parallel_code", index,
      "The MPI calls were taken out of this program; every line is where it was. Finish with a "
      "JSON "
      "array of [line, call] that puts them back, line numbers from 1, each call from MPI_ to its "
      "closing parenthesis:\n" +
          stripped.text);
  std::vector<MpiAnswer> answers;
  for (const MpiCall& c : stripped.calls) answers.push_back({c.line, c.text});
  task.set("calls", answer_json(answers));
  return task;
}

void read_mpi(const Cursor& json, Store& store, Task& task) {
  std::vector<MpiCall> calls;
  json.at("calls").items([&](const Cursor& c) {
    if (!c.is_array() || c.size() != 2) throw c.error("expected [line, call]");
    MpiCall& call = calls.emplace_back();
    int place = 0;
    c.items([&](const Cursor& v) {
      if (place++ == 0) {
        if (v.integer() < 1) throw v.error("lines count from 1");
        call.line = static_cast<std::uint64_t>(v.integer());
      } else {
        call.text = std::string(v.string());
      }
    });
  });
  judge_by(std::make_shared<MpiCheck>(std::move(calls)), store, task);
}

}  // namespace stateutils::bench
