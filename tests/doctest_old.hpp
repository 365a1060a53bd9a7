// Included before every test where doctest is older than 2.4.9 (Ubuntu 22.04): Contains and the two
// assertions that take it.
#pragma once

#include <doctest.h>

#include <string>
#include <string_view>

namespace doctest {
struct Contains {
  explicit Contains(std::string_view wanted) : text(wanted) {}
  std::string text;
};
}  // namespace doctest

namespace stateutils::tests {
inline bool matches(const doctest::Contains& wanted, std::string_view what) {
  return what.find(wanted.text) != std::string_view::npos;
}
inline bool matches(std::string_view wanted, std::string_view what) {
  return wanted == what;
}
}  // namespace stateutils::tests

#undef CHECK_THROWS_WITH_AS
#define CHECK_THROWS_WITH_AS(expression, wanted, type)                       \
  do {                                                                       \
    bool stateutils_matched = false;                                         \
    try {                                                                    \
      static_cast<void>(expression);                                         \
    } catch (const type& error) {                                            \
      stateutils_matched = stateutils::tests::matches(wanted, error.what()); \
    } catch (...) {                                                          \
      stateutils_matched = false;                                            \
    }                                                                        \
    CHECK(stateutils_matched);                                               \
  } while (false)
#undef CHECK_THROWS_WITH
#define CHECK_THROWS_WITH(expression, wanted) \
  CHECK_THROWS_WITH_AS(expression, wanted, std::exception)
