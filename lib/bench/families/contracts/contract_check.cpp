#include "bench/families/contracts/contract_check.hpp"

#include <algorithm>

#include "bench/families/contracts/catalog.hpp"
#include "bench/families/stream.hpp"
#include "bench/world/intern.hpp"
#include "core/dom.hpp"
#include "core/error.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kInputs = 128, kFreshInputs = 256;
constexpr int kDraws = 500;                  // of one input, until `pre` holds
constexpr std::uint64_t kMaxSteps = 50'000;  // of one call
constexpr std::int64_t kMaxArrayCells = 4096;

core::Error spec_error(const std::string& what) {
  return core::Error(core::Category::kInput, what);
}

mini_c::Program must_compile(const std::string& what, const std::string& source) {
  std::string error;
  auto program = mini_c::compile(source, error);
  if (!program) throw spec_error(what + ": " + error);
  return std::move(*program);
}

}  // namespace

std::optional<std::vector<InputRange>> parse_ranges(std::string_view text) {
  std::vector<InputRange> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    InputRange range;
    range.sorted = item.ends_with('<');
    if (range.sorted) item.remove_suffix(1);
    const std::size_t equals = item.find('='), dots = item.find("..");
    if (equals == std::string_view::npos || dots == std::string_view::npos || dots < equals)
      return {};
    const std::size_t open = item.substr(0, equals).find('[');
    range.name = std::string(item.substr(0, std::min(open, equals)));
    if (open != std::string_view::npos) {
      if (item[equals - 1] != ']') return {};
      range.length = std::string(item.substr(open + 1, equals - open - 2));
    }
    const auto low = core::parse_i64(item.substr(equals + 1, dots - equals - 1));
    const auto high = core::parse_i64(item.substr(dots + 2));
    if (range.name.empty() || !low || !high || *low > *high || *low < INT32_MIN ||
        *high > INT32_MAX) {
      return {};
    }
    range.low = *low;
    range.high = *high;
    out.push_back(std::move(range));
  }
  return out;
}

ContractCheck::ContractCheck(ContractSpec spec) : spec_(std::move(spec)) {
  contract_ =
      must_compile("contract", std::string(kContractPrelude) + spec_.pre + "\n" + spec_.post);
  solution_ = must_compile("solution", spec_.solution);
  const mini_c::Function* function = solution_.find(spec_.name);
  if (function == nullptr) throw spec_error("solution: there is no function " + spec_.name);
  parameters_ = function->parameters;
  auto ranges = parse_ranges(spec_.inputs);
  if (!ranges || ranges->size() != parameters_.size()) throw spec_error("inputs: malformed");
  ranges_ = std::move(*ranges);
  std::size_t olds = 0;
  for (const mini_c::Parameter& p : parameters_) olds += p.array && !p.constant;
  const mini_c::Function *pre = contract_.find("pre"), *post = contract_.find("post");
  const std::size_t after = parameters_.size() + olds + (function->returns ? 1 : 0);
  if (pre == nullptr || pre->parameters.size() != parameters_.size() || post == nullptr ||
      post->parameters.size() != after) {
    throw spec_error("pre takes the parameters; post those, old_ arrays and the result");
  }
  inputs_ = draw(0, kInputs);
}

ContractCheck::Input ContractCheck::draw_one(core::Rng& rng, Edge edge) const {
  Input input;
  input.numbers.resize(parameters_.size());
  input.arrays.resize(parameters_.size());
  const auto place = [&](const std::string& name) {
    const auto at = std::find_if(parameters_.begin(), parameters_.end(),
                                 [&](const auto& p) { return p.name == name; });
    return static_cast<std::size_t>(at - parameters_.begin());
  };
  for (const InputRange& r : ranges_) {
    const std::size_t at = place(r.name), length = place(r.length);
    const bool array = !r.length.empty();
    if (at == parameters_.size() || parameters_[at].array != array ||
        (array && (length == parameters_.size() || parameters_[length].array))) {
      throw spec_error("inputs: " + r.name + " is no such parameter");
    }
    const auto value = [&] {
      const auto width = static_cast<std::uint64_t>(r.high - r.low) + 1;
      return r.low + static_cast<std::int64_t>(rng.below(width));
    };
    if (!array) {
      input.numbers[at] = edge == Edge::kLow ? r.low : edge == Edge::kHigh ? r.high : value();
      continue;
    }
    const std::int64_t cells = input.numbers[length];
    if (cells < 0 || cells > kMaxArrayCells)
      throw spec_error("inputs: an array has 0 to 4096 cells");
    for (std::int64_t c = 0; c < cells; ++c) input.arrays[at].push_back(value());
    if (r.sorted) std::sort(input.arrays[at].begin(), input.arrays[at].end());
  }
  return input;
}

bool ContractCheck::fulfils(Input& input) const {
  std::vector<mini_c::Argument> arguments;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    arguments.push_back({input.numbers[p], parameters_[p].array ? &input.arrays[p] : nullptr});
  }
  const mini_c::Outcome outcome =
      mini_c::call(contract_, *contract_.find("pre"), arguments, kMaxSteps);
  return outcome.stop == mini_c::Stop::kNone && outcome.result != 0;
}

// The first has all numbers lowest, the second all highest, where `pre` lets them.
std::vector<ContractCheck::Input> ContractCheck::draw(std::uint64_t stream,
                                                      std::size_t count) const {
  core::Rng rng = task_stream("contracts", spec_.name, spec_.seed, stream);
  std::vector<Input> out;
  while (out.size() < count) {
    const Edge edge = out.empty() ? Edge::kLow : out.size() == 1 ? Edge::kHigh : Edge::kFree;
    Input input = draw_one(rng, edge);
    for (int attempt = 1; !fulfils(input); ++attempt) {
      if (attempt == kDraws) throw spec_error("no input fulfils pre");
      input = draw_one(rng, Edge::kFree);
    }
    out.push_back(std::move(input));
  }
  return out;
}

// The answer's program, when it is a text that compiles and has the function as it was asked for.
std::optional<mini_c::Program> ContractCheck::candidate(std::string_view answer) const {
  simdjson::dom::parser parser;
  std::string_view text;
  std::string error;
  if (answer.empty() || core::parse_json(parser, answer).get(text) != simdjson::SUCCESS) return {};
  auto program = mini_c::compile(text, error);
  const mini_c::Function* f = program ? program->find(spec_.name) : nullptr;
  if (f == nullptr || f->parameters.size() != parameters_.size() ||
      f->returns != solution_.find(spec_.name)->returns) {
    return {};
  }
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    if (f->parameters[p].array != parameters_[p].array) return {};
  }
  return program;
}

bool ContractCheck::holds(const mini_c::Program& program, const Input& input, Input& after,
                          mini_c::Outcome& outcome) const {
  after = input;
  Input old = input;
  std::vector<mini_c::Argument> arguments, checked;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    std::vector<std::int64_t>* array = parameters_[p].array ? &after.arrays[p] : nullptr;
    arguments.push_back({input.numbers[p], array});
  }
  const mini_c::Function& function = *program.find(spec_.name);
  outcome = mini_c::call(program, function, arguments, kMaxSteps);
  if (outcome.stop != mini_c::Stop::kNone) return false;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    // An array that the contract calls const stays what it was, whatever the candidate calls it.
    const bool fixed = parameters_[p].array && parameters_[p].constant;
    if (fixed && after.arrays[p] != input.arrays[p]) return false;
    checked.push_back(arguments[p]);
  }
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    if (parameters_[p].array && !parameters_[p].constant) checked.push_back({0, &old.arrays[p]});
  }
  if (function.returns) checked.push_back({outcome.result, nullptr});
  const mini_c::Outcome verdict =
      mini_c::call(contract_, *contract_.find("post"), checked, kMaxSteps);
  return verdict.stop == mini_c::Stop::kNone && verdict.result != 0;
}

double ContractCheck::quality(const Store&, Id, std::string_view answer) const {
  const auto program = candidate(answer);
  if (!program) return 0;
  std::size_t right = 0;
  for (const Input& input : inputs_) {
    Input after;
    mini_c::Outcome outcome;
    right += holds(*program, input, after, outcome);
    // What does not come to an end on one input need not be waited for on all of them.
    if (outcome.stop == mini_c::Stop::kSteps) break;
  }
  return static_cast<double>(right) / static_cast<double>(inputs_.size());
}

bool ContractCheck::is_right(const Store&, Id, std::string_view answer) const {
  const auto program = candidate(answer);
  if (!program) return false;
  const std::vector<Input> fresh = draw(1, kFreshInputs);
  return std::all_of(fresh.begin(), fresh.end(), [&](const Input& input) {
    Input mine, theirs;
    mini_c::Outcome my_outcome, their_outcome;
    if (!holds(*program, input, mine, my_outcome)) return false;
    if (spec_.several) return true;
    (void)holds(solution_, input, theirs, their_outcome);
    return my_outcome.result == their_outcome.result && mine.arrays == theirs.arrays;
  });
}

std::vector<std::vector<std::string>> ContractCheck::plans() const {
  std::string line = "done ";
  append_json_string(line, spec_.solution);
  return {{line}};
}

std::vector<FamilyCheck::WrongAnswer> ContractCheck::wrong_answers() const {
  std::vector<WrongAnswer> out = mutate_function(spec_.solution);
  std::string renamed = spec_.solution;
  renamed.insert(renamed.find(spec_.name), "my_");
  std::string body = "{ return 0; }";
  if (!solution_.find(spec_.name)->returns) body = "{}";
  const std::string heading = spec_.solution.substr(0, spec_.solution.find('{'));
  const auto add = [&](const char* op, const std::string& text) {
    out.push_back({op, {}});
    append_json_string(out.back().answer, text);
  };
  add("other_name", renamed);
  add("empty_body", heading + body);
  add("endless", heading + "{ for (;;) {} }");
  add("no_program", "It is done.");
  out.push_back({"no_text", "1"});
  return out;
}

}  // namespace stateutils::bench
