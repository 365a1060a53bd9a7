#include "bench/families/contracts/parallel_check.hpp"

#include <algorithm>

#include "bench/families/contracts/contract_check.hpp"
#include "bench/families/stream.hpp"
#include "bench/world/intern.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kSamples = 192, kFreshSamples = 384;

// Every directive of a program left out, changed or moved to another loop.
class DirectiveMutator {
 public:
  explicit DirectiveMutator(const std::string& source) : source_(source) {
    if (auto tokens = mini_c::scan(source)) tokens_ = std::move(*tokens);
  }

  std::vector<FamilyCheck::WrongAnswer> run() {
    for (std::size_t i = 0; i + 1 < tokens_.size(); ++i) {
      if (tokens_[i].kind == mini_c::TokenKind::kDirective) change(tokens_[i]);
    }
    for (std::size_t i = 1; i + 1 < tokens_.size(); ++i) {
      const bool bare = tokens_[i - 1].kind != mini_c::TokenKind::kDirective;
      if (tokens_[i].text == "for" && bare) move_to(tokens_[i].at);
    }
    return std::move(out_);
  }

 private:
  void add(const char* op, const std::string& text) {
    std::string error;
    if (text == source_ || !mini_c::compile(text, error)) return;
    out_.push_back({op, {}});
    append_json_string(out_.back().answer, text);
  }

  [[nodiscard]] std::string with(const mini_c::Token& directive, const std::string& text) const {
    return source_.substr(0, directive.at) + text +
           source_.substr(directive.at + directive.text.size());
  }

  void change(const mini_c::Token& directive) {
    add("directive_drop", with(directive, ""));
    const std::string text(directive.text);
    for (std::size_t open = text.find('('); open != std::string::npos;
         open = text.find('(', open + 1)) {
      const std::size_t close = text.find(')', open), name = text.rfind(' ', open);
      add("clause_drop", with(directive, text.substr(0, name) + text.substr(close + 1)));
      const std::string clause = text.substr(name + 1, open - name - 1);
      const std::size_t colon = text.find(':', open);
      if (clause != "reduction") {
        add("private_to_reduction",
            with(directive, text.substr(0, name) + " reduction(+:" + text.substr(open + 1)));
        continue;
      }
      add("reduction_to_private",
          with(directive, text.substr(0, name) + " private(" + text.substr(colon + 1)));
      for (const char* op : {"+", "*", "&", "|", "^", "min", "max"}) {
        add("reduction_operator",
            with(directive, text.substr(0, open + 1) + op + text.substr(colon)));
      }
    }
  }

  // The first directive on another loop, and one more of its kind there.
  void move_to(std::size_t loop) {
    const auto first = std::find_if(tokens_.begin(), tokens_.end(), [](const mini_c::Token& t) {
      return t.kind == mini_c::TokenKind::kDirective;
    });
    if (first == tokens_.end()) return;
    const std::string line = "\n" + std::string(first->text) + "\n";
    std::string more = source_;
    more.insert(loop, line);
    add("directive_more", more);
    const std::size_t size = first->text.size();
    std::string moved = source_;
    if (loop > first->at) {
      moved.insert(loop, line).erase(first->at, size);
    } else {
      moved.erase(first->at, size).insert(loop, line);
    }
    add("directive_move", moved);
  }

  const std::string& source_;
  std::vector<mini_c::Token> tokens_;
  std::vector<FamilyCheck::WrongAnswer> out_;
};

}  // namespace

std::string without_directives(const std::string& source) {
  std::string out;
  for (std::size_t at = 0; at < source.size();) {
    const std::size_t end = std::min(source.find('\n', at), source.size() - 1) + 1;
    const std::string line = source.substr(at, end - at);
    if (line.find("#pragma") == std::string::npos) out += line;
    at = end;
  }
  return out;
}

ParallelCheck::ParallelCheck(ParallelSpec spec) : spec_(std::move(spec)) {
  serial_ = must_compile("serial", spec_.serial);
  solution_ = must_compile("solution", spec_.solution);
  const mini_c::Function *serial = serial_.find(spec_.name), *own = solution_.find(spec_.name);
  if (serial == nullptr || own == nullptr || serial->parameters.size() != own->parameters.size()) {
    throw function_error("serial and solution hold the function " + spec_.name);
  }
  drawing_ = FunctionInputs(spec_.inputs, serial->parameters);
  samples_ = draw(0, kSamples);
  if (!speed(solution_, samples_)) throw function_error("the solution is not right");
}

std::vector<ParallelCheck::Sample> ParallelCheck::draw(std::uint64_t stream,
                                                       std::size_t count) const {
  core::Rng rng = task_stream("par", spec_.name, spec_.seed, stream);
  std::vector<Sample> out;
  while (out.size() < count) {
    using Edge = FunctionInputs::Edge;
    const Edge edge = out.empty() ? Edge::kLow : out.size() == 1 ? Edge::kHigh : Edge::kFree;
    Sample sample{drawing_.draw(rng, edge), {}, 0, 0};
    const auto call = [&](const mini_c::Program& program) {
      sample.after = sample.before;
      return mini_c::call(program, *program.find(spec_.name), drawing_.arguments(sample.after),
                          kMaxCallSteps);
    };
    sample.time = call(solution_).time;
    const mini_c::Outcome outcome = call(serial_);
    if (outcome.stop != mini_c::Stop::kNone) {
      throw function_error(std::string("serial: ") + stop_text(outcome.stop));
    }
    sample.result = outcome.result;
    out.push_back(std::move(sample));
  }
  return out;
}

std::optional<double> ParallelCheck::speed(const mini_c::Program& program,
                                           const std::vector<Sample>& samples) const {
  std::uint64_t allowed = 0, taken = 0;
  for (const Sample& sample : samples) {
    FunctionInput after = sample.before;
    const mini_c::Outcome outcome =
        mini_c::call(program, *program.find(spec_.name), drawing_.arguments(after), kMaxCallSteps);
    const bool right = outcome.stop == mini_c::Stop::kNone && outcome.result == sample.result &&
                       after.arrays == sample.after.arrays;
    if (!right) return {};
    allowed += sample.time;
    taken += outcome.time;
  }
  return kSlack * static_cast<double>(allowed) / static_cast<double>(taken);
}

double ParallelCheck::quality(const Store&, Id, std::string_view answer) const {
  const auto program = program_of_answer(answer, *serial_.find(spec_.name));
  if (!program) return 0;
  return std::min(1.0, speed(*program, samples_).value_or(0));
}

bool ParallelCheck::is_right(const Store&, Id, std::string_view answer) const {
  const auto program = program_of_answer(answer, *serial_.find(spec_.name));
  return program && speed(*program, draw(1, kFreshSamples)).value_or(0) >= 1;
}

std::vector<std::vector<std::string>> ParallelCheck::plans() const {
  std::string line = "done ";
  append_json_string(line, spec_.solution);
  return {{line}};
}

std::vector<FamilyCheck::WrongAnswer> ParallelCheck::wrong_answers() const {
  std::vector<WrongAnswer> out = DirectiveMutator(spec_.solution).run();
  out.push_back({"serial", {}});
  append_json_string(out.back().answer, spec_.serial);
  for (WrongAnswer& wrong : mutate_function(spec_.solution)) out.push_back(std::move(wrong));
  out.push_back({"no_text", "1"});
  return out;
}

}  // namespace stateutils::bench
