#include <algorithm>
#include <map>

#include "bench/families/fsm/automaton.hpp"
#include "core/error.hpp"
#include "core/utf8.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxCells = 1u << 24;

struct DotToken {
  enum Kind { kId, kArrow, kMark, kEnd } kind = kEnd;
  std::string text;
  std::uint64_t line = 1;
};

// The tokens of the DOT language that digraphs need; HTML labels and subgraphs are refused.
class Lexer {
 public:
  Lexer(std::string_view text, const std::string& file) : text_(text), file_(file) { advance(); }

  [[nodiscard]] const DotToken& peek() const { return token_; }
  DotToken take() {
    DotToken out = std::move(token_);
    advance();
    return out;
  }
  bool take_mark(char mark) {
    if (token_.kind != DotToken::kMark || token_.text[0] != mark) return false;
    advance();
    return true;
  }
  [[nodiscard]] core::Error error(const std::string& message) const {
    return core::input_error({file_, token_.line}, message);
  }

 private:
  void skip_blank() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') ++line_;
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++at_;
      } else if (c == '#' || text_.substr(at_, 2) == "//") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_, 2) == "/*") {
        const std::size_t end = std::min(text_.find("*/", at_ + 2), text_.size());
        line_ += static_cast<std::uint64_t>(
            std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                       text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
        at_ = std::min(end + 2, text_.size());
      } else {
        return;
      }
    }
  }

  static bool id_byte(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '.' || static_cast<unsigned char>(c) >= 0x80;
  }

  void advance() {
    skip_blank();
    token_ = {DotToken::kEnd, "", line_};
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (c == '"') return quoted_id();
    if (text_.substr(at_, 2) == "->") {
      token_.kind = DotToken::kArrow;
      at_ += 2;
      return;
    }
    token_.kind = id_byte(c) || c == '-' ? DotToken::kId : DotToken::kMark;
    do {
      token_.text.push_back(text_[at_++]);
    } while (token_.kind == DotToken::kId && at_ < text_.size() && id_byte(text_[at_]));
  }

  void quoted_id() {
    token_.kind = DotToken::kId;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '"') ++at_;
      if (text_[at_] == '\n') ++line_;
      token_.text.push_back(text_[at_]);
    }
    if (at_ >= text_.size()) throw error("a text has no closing quote");
    ++at_;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  DotToken token_;
};

struct DotEdge {
  std::string from, to, label;
  std::uint64_t line = 1;
};

class DotReader {
 public:
  DotReader(std::string_view text, const std::string& file) : lexer_(text, file), file_(file) {}

  Automaton read() {
    if (lexer_.peek().text == "strict") (void)lexer_.take();
    if (lexer_.take().text != "digraph") throw lexer_.error("expected a digraph");
    if (lexer_.peek().kind == DotToken::kId) out_.name = lexer_.take().text;
    if (!lexer_.take_mark('{')) throw lexer_.error("expected {");
    while (!lexer_.take_mark('}')) statement();
    if (lexer_.peek().kind != DotToken::kEnd) throw lexer_.error("more after the digraph's }");
    build();
    return std::move(out_);
  }

 private:
  using Attributes = std::map<std::string, std::string>;

  Attributes attributes() {
    Attributes out;
    while (lexer_.take_mark('[')) {
      while (!lexer_.take_mark(']')) {
        const DotToken name = lexer_.take();
        if (name.kind != DotToken::kId) throw lexer_.error("expected an attribute");
        if (lexer_.take_mark('=')) {
          if (lexer_.peek().kind != DotToken::kId) throw lexer_.error("expected a value");
          out[name.text] = lexer_.take().text;
        }
        if (!lexer_.take_mark(',')) (void)lexer_.take_mark(';');
      }
    }
    return out;
  }

  void statement() {
    if (lexer_.take_mark(';')) return;
    const DotToken first = lexer_.take();
    if (first.kind != DotToken::kId) throw lexer_.error("expected a state");
    if (first.text == "subgraph") throw lexer_.error("subgraphs are no part of an automaton");
    if (lexer_.take_mark('=')) return static_cast<void>(lexer_.take());
    if (first.text == "graph" || first.text == "node" || first.text == "edge") {
      return static_cast<void>(attributes());
    }
    if (lexer_.peek().kind != DotToken::kArrow) {
      const Attributes a = attributes();
      return add_state(first.text, a);
    }
    (void)lexer_.take();
    const DotToken second = lexer_.take();
    if (second.kind != DotToken::kId) throw lexer_.error("expected a state after ->");
    Attributes a = attributes();
    edges_.push_back({first.text, second.text, a["label"], first.line});
  }

  void add_state(const std::string& id, const Attributes& a) {
    const auto shape = a.find("shape");
    const auto label = a.find("label");
    if (shape != a.end() && shape->second == "none" && label != a.end() && label->second.empty()) {
      start_ = id;
      return;
    }
    const std::size_t s = state(id);
    if (shape != a.end() && shape->second == "doublecircle") out_.accepting[s] = true;
  }

  std::size_t state(const std::string& id) {
    const auto [at, fresh] = index_.try_emplace(id, out_.states.size());
    if (fresh) {
      out_.states.push_back(id);
      out_.accepting.push_back(false);
    }
    return at->second;
  }

  static std::string trimmed(std::string text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
  }

  void build() {
    std::string initial;
    std::vector<DotEdge> real;
    for (DotEdge& e : edges_) {
      if (e.from == start_ && !start_.empty()) {
        initial = e.to;
      } else {
        real.push_back(std::move(e));
      }
    }
    for (const DotEdge& e : real) (void)state(e.from), (void)state(e.to);
    if (out_.states.empty()) throw core::input_error({file_}, "holds no states");
    out_.initial = initial.empty() ? 0 : static_cast<std::uint32_t>(state(initial));
    out_.mealy = std::any_of(real.begin(), real.end(), [](const DotEdge& e) {
      return e.label.find('/') != std::string::npos;
    });
    std::map<std::string, std::size_t> inputs;
    const auto input_of = [&](const DotEdge& e) {
      return trimmed(out_.mealy ? e.label.substr(0, e.label.find('/')) : e.label);
    };
    for (const DotEdge& e : real) {
      const std::string input = input_of(e);
      if (inputs.try_emplace(input, out_.inputs.size()).second) out_.inputs.push_back(input);
    }
    if (out_.states.size() * std::max<std::size_t>(out_.inputs.size(), 1) > kMaxCells) {
      throw core::input_error({file_}, "more than 2^24 cells of states and inputs");
    }
    out_.cells.resize(out_.states.size() * out_.inputs.size());
    for (const DotEdge& e : real) {
      auto& cell = out_.cells[index_.at(e.from) * out_.inputs.size() + inputs.at(input_of(e))];
      const std::size_t slash = e.label.find('/');
      const std::string output =
          out_.mealy && slash != std::string::npos ? trimmed(e.label.substr(slash + 1)) : "";
      const auto target = static_cast<std::uint32_t>(index_.at(e.to));
      if (cell.target != Automaton::kNowhere) {
        throw core::input_error({file_, e.line}, "state " + core::quoted(e.from) +
                                                     " has two transitions on " +
                                                     core::quoted(input_of(e)));
      }
      cell = {target, output};
    }
  }

  Lexer lexer_;
  const std::string& file_;
  Automaton out_;
  std::map<std::string, std::size_t> index_;
  std::vector<DotEdge> edges_;
  std::string start_;
};

}  // namespace

FsmImport import_dot(std::string_view text, const std::string& file) {
  if (!core::is_valid_utf8(text)) throw core::input_error({file}, "invalid UTF-8");
  const Automaton automaton = DotReader(text, file).read();
  return {automaton_model(automaton), automaton_facts(automaton)};
}

}  // namespace stateutils::bench
