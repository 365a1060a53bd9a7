// Inside lib/core only: what the strict nlohmann parsers share. Includes json.hpp, so keep it out
// of public headers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace stateutils::core {

// Walks text and counts what was taken, because SAX events come without a position.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator() = default;
  CountingIterator(const char* at, std::size_t* taken) : at_(at), taken_(taken) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*taken_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) {
    return a.at_ == b.at_;
  }

 private:
  const char* at_ = nullptr;
  std::size_t* taken_ = nullptr;
};

// Runs `handler` (nlohmann's SAX interface) over `text`, with `taken` counting the bytes read.
template <class Handler>
void sax_parse(std::string_view text, std::size_t& taken, Handler& handler, bool comments) {
  const char* begin = text.data();
  nlohmann::json::sax_parse(CountingIterator(begin, &taken),
                            CountingIterator(begin + text.size(), &taken), &handler,
                            nlohmann::json::input_format_t::json, true, comments);
}

// "syntax error while parsing value - ..." without nlohmann's own prefix and place.
inline std::string plain_message(const std::exception& error) {
  const std::string_view text = error.what();
  const std::size_t column = text.find("column ");
  std::size_t start = column == std::string_view::npos ? text.find("] ") : text.find(": ", column);
  start = start == std::string_view::npos ? 0 : start + 2;
  return std::string(text.substr(start));
}

// nlohmann turns an integer past 64 bits into a double without a word.
inline bool is_integer_text(std::string_view digits) {
  return digits.find_first_of(".eE") == std::string_view::npos;
}

}  // namespace stateutils::core
