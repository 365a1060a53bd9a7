#include "bench/families/contracts/contract_check.hpp"

#include <algorithm>

#include "bench/families/contracts/catalog.hpp"
#include "bench/families/stream.hpp"
#include "bench/world/intern.hpp"

namespace stateutils::bench {
namespace {

constexpr std::size_t kInputs = 128, kFreshInputs = 256;
constexpr int kDraws = 500;  // of one input, until `pre` holds

}  // namespace

ContractCheck::ContractCheck(ContractSpec spec) : spec_(std::move(spec)) {
  contract_ =
      must_compile("contract", std::string(kContractPrelude) + spec_.pre + "\n" + spec_.post);
  solution_ = must_compile("solution", spec_.solution);
  const mini_c::Function* function = solution_.find(spec_.name);
  if (function == nullptr) throw function_error("solution: there is no function " + spec_.name);
  drawing_ = FunctionInputs(spec_.inputs, function->parameters);
  const std::vector<mini_c::Parameter>& parameters = drawing_.parameters();
  std::size_t olds = 0;
  for (const mini_c::Parameter& p : parameters) olds += p.array && !p.constant;
  const mini_c::Function *pre = contract_.find("pre"), *post = contract_.find("post");
  const std::size_t after = parameters.size() + olds + (function->returns ? 1 : 0);
  if (pre == nullptr || pre->parameters.size() != parameters.size() || post == nullptr ||
      post->parameters.size() != after) {
    throw function_error("pre takes the parameters; post those, old_ arrays and the result");
  }
  inputs_ = draw(0, kInputs);
}

bool ContractCheck::fulfils(Input& input) const {
  const mini_c::Outcome outcome =
      mini_c::call(contract_, *contract_.find("pre"), drawing_.arguments(input), kMaxCallSteps);
  return outcome.stop == mini_c::Stop::kNone && outcome.result != 0;
}

// The first has all numbers lowest, the second all highest, where `pre` lets them.
std::vector<ContractCheck::Input> ContractCheck::draw(std::uint64_t stream,
                                                      std::size_t count) const {
  core::Rng rng = task_stream("contracts", spec_.name, spec_.seed, stream);
  std::vector<Input> out;
  while (out.size() < count) {
    const Edge edge = out.empty() ? Edge::kLow : out.size() == 1 ? Edge::kHigh : Edge::kFree;
    Input input = drawing_.draw(rng, edge);
    for (int attempt = 1; !fulfils(input); ++attempt) {
      if (attempt == kDraws) throw function_error("no input fulfils pre");
      input = drawing_.draw(rng, Edge::kFree);
    }
    out.push_back(std::move(input));
  }
  return out;
}

bool ContractCheck::holds(const mini_c::Program& program, const Input& input, Input& after,
                          mini_c::Outcome& outcome) const {
  after = input;
  Input old = input;
  const std::vector<mini_c::Parameter>& parameters = drawing_.parameters();
  std::vector<mini_c::Argument> arguments = drawing_.arguments(after), checked;
  const mini_c::Function& function = *program.find(spec_.name);
  outcome = mini_c::call(program, function, arguments, kMaxCallSteps);
  if (outcome.stop != mini_c::Stop::kNone) return false;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    // An array that the contract calls const stays what it was, whatever the candidate calls it.
    const bool fixed = parameters[p].array && parameters[p].constant;
    if (fixed && after.arrays[p] != input.arrays[p]) return false;
    checked.push_back(arguments[p]);
  }
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    if (parameters[p].array && !parameters[p].constant) checked.push_back({0, &old.arrays[p]});
  }
  if (function.returns) checked.push_back({outcome.result, nullptr});
  const mini_c::Outcome verdict =
      mini_c::call(contract_, *contract_.find("post"), checked, kMaxCallSteps);
  return verdict.stop == mini_c::Stop::kNone && verdict.result != 0;
}

double ContractCheck::quality(const Store&, Id, std::string_view answer) const {
  const auto program = program_of_answer(answer, *solution_.find(spec_.name));
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
  const auto program = program_of_answer(answer, *solution_.find(spec_.name));
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
