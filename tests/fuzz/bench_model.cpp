// Models from hostile hands: any bytes are a machine or an error in every form that is imported.
#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/families/fsm/fsm_model.hpp"
#include "core/error.hpp"

namespace {

template <class Import>
void attempt(const Import& import) {
  using namespace stateutils;
  try {
    bench::FsmImport found = import();
    (void)fsm_pack(found.model, 1000, found.facts);
  } catch (const core::Error&) {  // refused, as it should be
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stateutils;
  const std::string text(reinterpret_cast<const char*>(data), size);
  attempt([&] { return bench::import_dot(text, "in"); });
  attempt([&] { return import_autowebworld(bench::Document(text, "in", false)); });
  attempt([&] { return import_graphwalker(bench::Document(text, "in", false)); });
  return 0;
}
