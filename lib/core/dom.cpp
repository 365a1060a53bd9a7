#include "core/dom.hpp"

#include <new>

namespace stateutils::core {

simdjson::simdjson_result<simdjson::dom::element> parse_json(simdjson::dom::parser& parser,
                                                             std::string_view text) {
  const simdjson::padded_string padded(text);
  // A padded_string that found no memory is silently empty.
  if (padded.size() != text.size() || padded.data() == nullptr) throw std::bad_alloc();
  auto result = parser.parse(padded);
  if (result.error() == simdjson::MEMALLOC) throw std::bad_alloc();
  return result;
}

}  // namespace stateutils::core
