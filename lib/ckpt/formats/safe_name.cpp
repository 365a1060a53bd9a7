#include "ckpt/formats/safe_name.hpp"

#include <algorithm>
#include <string_view>

#include "core/error.hpp"

namespace stateutils::ckpt {

void require_safe_name(const std::string& name) {
  std::size_t at = 0;
  bool safe = !name.empty() && name.front() != '/' && name.find('\0') == std::string::npos;
  while (safe && at <= name.size()) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = std::string_view(name).substr(at, end - at);
    safe = !part.empty() && part != "." && part != ".." && part.size() <= 255;
    at = end + 1;
  }
  if (!safe) {
    throw core::Error(core::Category::kInput,
                      "tensor name " + core::quoted(name) + " is no safe relative path");
  }
}

}  // namespace stateutils::ckpt
