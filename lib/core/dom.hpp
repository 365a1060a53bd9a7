// One JSON text by simdjson's DOM parser. Streams of lines go through jsonl.hpp.
#pragma once

#include <simdjson.h>

#include <string_view>

namespace stateutils::core {

// Parses `text`, which may die afterwards: the element lives in `parser` until its next parse.
// std::bad_alloc when memory is short; every other failure is the result's error.
simdjson::simdjson_result<simdjson::dom::element> parse_json(simdjson::dom::parser& parser,
                                                             std::string_view text);

}  // namespace stateutils::core
