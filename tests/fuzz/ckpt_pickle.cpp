// Any bytes as a pickle: decoded or refused, in bounded memory, and what is decoded can be walked,
// printed and written again.
#include <cstdint>
#include <string>

#include "ckpt/pickle/document.hpp"
#include "ckpt/pickle/writer.hpp"
#include "core/error.hpp"

using namespace stateutils::ckpt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const PickleOptions options{
      .max_memory = 16u << 20, .allow_records = {}, .drop_opaque = (size & 1) != 0};
  try {
    const Document document(std::string(reinterpret_cast<const char*>(data), size), "fuzz",
                            options);
    walk_leaves(document.heap(), document.root(), [](const std::string&, Ref) {});
    (void)value_json(document.heap(), document.root());
    PickleWriter writer;
    writer.value(document.heap(), document.root(), [](Ref) { return nullptr; });
    (void)writer.finish();
  } catch (const stateutils::core::Error&) {
    return 0;
  }
  return 0;
}
