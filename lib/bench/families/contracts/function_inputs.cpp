#include "bench/families/contracts/function_inputs.hpp"

#include <algorithm>

#include "core/dom.hpp"
#include "core/units.hpp"

namespace stateutils::bench {
namespace {

constexpr std::int64_t kMaxArrayCells = 4096;

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

core::Error function_error(const std::string& what) {
  return core::Error(core::Category::kInput, what);
}

mini_c::Program must_compile(const std::string& what, const std::string& source) {
  std::string error;
  auto program = mini_c::compile(source, error);
  if (!program) throw function_error(what + ": " + error);
  return std::move(*program);
}

FunctionInputs::FunctionInputs(std::string_view ranges, std::vector<mini_c::Parameter> parameters)
    : parameters_(std::move(parameters)) {
  auto read = parse_ranges(ranges);
  if (!read || read->size() != parameters_.size()) throw function_error("inputs: malformed");
  ranges_ = std::move(*read);
}

FunctionInput FunctionInputs::draw(core::Rng& rng, Edge edge) const {
  FunctionInput input;
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
      throw function_error("inputs: " + r.name + " is no such parameter");
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
      throw function_error("inputs: an array has 0 to 4096 cells");
    for (std::int64_t c = 0; c < cells; ++c) input.arrays[at].push_back(value());
    if (r.sorted) std::sort(input.arrays[at].begin(), input.arrays[at].end());
  }
  return input;
}

std::vector<mini_c::Argument> FunctionInputs::arguments(FunctionInput& input) const {
  std::vector<mini_c::Argument> out;
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    out.push_back({input.numbers[p], parameters_[p].array ? &input.arrays[p] : nullptr});
  }
  return out;
}

std::optional<mini_c::Program> program_of_answer(std::string_view answer,
                                                 const mini_c::Function& wanted) {
  simdjson::dom::parser parser;
  std::string_view text;
  std::string error;
  if (answer.empty() || core::parse_json(parser, answer).get(text) != simdjson::SUCCESS) return {};
  auto program = mini_c::compile(text, error);
  const mini_c::Function* f = program ? program->find(wanted.name) : nullptr;
  const auto same_kind = [](const auto& a, const auto& b) { return a.array == b.array; };
  const bool fits = f != nullptr && f->returns == wanted.returns &&
                    std::equal(f->parameters.begin(), f->parameters.end(),
                               wanted.parameters.begin(), wanted.parameters.end(), same_kind);
  return fits ? std::move(program) : std::nullopt;
}

std::string rename_function(std::string_view slug, std::string& source, core::Rng& rng) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string name = std::string(slug) + "_";
  for (int i = 0; i < 4; ++i) name.push_back(kHex[rng.below(16)]);
  source.replace(source.find(std::string(slug) + "("), slug.size(), name);
  return name;
}

}  // namespace stateutils::bench
