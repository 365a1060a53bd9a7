// Programs from hostile hands: any text compiles or is refused, and runs to an end within its
// steps.
#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/families/contracts/contract_check.hpp"
#include "core/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils::bench;
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::string error;
  if (const auto program = mini_c::compile(text, error)) {
    for (const mini_c::Function& function : program->functions) {
      std::vector<std::vector<std::int64_t>> arrays(function.parameters.size(), {1, 2, 3});
      std::vector<mini_c::Argument> arguments;
      for (std::size_t p = 0; p < arrays.size(); ++p) {
        const bool array = function.parameters[p].array;
        arguments.push_back({3, array ? &arrays[p] : nullptr});
      }
      (void)mini_c::call(*program, function, arguments, 2000);
    }
  }
  // Solutions come from records, which are UTF-8.
  if (size < 400 && stateutils::core::is_valid_utf8(text)) (void)mutate_function(text);
  (void)parse_ranges(text);
  return 0;
}
