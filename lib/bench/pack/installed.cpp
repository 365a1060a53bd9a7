#include "bench/pack/installed.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "bench/pack/shipped.hpp"
#include "core/error.hpp"
#include "core/input.hpp"

namespace stateutils::bench {
namespace {

constexpr std::uint64_t kMaxPack = 64u << 20;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void add_all(std::vector<std::string>& out, const std::string& list, const std::string& below) {
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(':', at), list.size());
    if (end > at) out.push_back(list.substr(at, end - at) + below);
    at = end + 1;
  }
}

}  // namespace

std::vector<std::string> pack_folders() {
  std::vector<std::string> out;
  static constexpr const char* kBelow = "/stateutils/packs";
  add_all(out, variable("STATEUTILS_PACKS"), "");
  const std::string data = variable("XDG_DATA_HOME"), home = variable("HOME");
  if (!data.empty()) {
    out.push_back(data + kBelow);
  } else if (!home.empty()) {
    out.push_back(home + "/.local/share" + kBelow);
  }
  const std::string shared = variable("XDG_DATA_DIRS");
  add_all(out, shared.empty() ? "/usr/local/share:/usr/share" : shared, kBelow);
  return out;
}

std::string load_pack_text(const std::string& name) {
  const bool path = name == "-" || name.find('/') != std::string::npos;
  if (path || ::access(name.c_str(), F_OK) == 0) return core::read_file(name, kMaxPack);
  if (const ShippedPack* shipped = find_shipped(name)) return std::string(shipped->text);
  for (const std::string& folder : pack_folders()) {
    const std::string file = folder + "/" + name + ".json";
    if (::access(file.c_str(), F_OK) == 0) return core::read_file(file, kMaxPack);
  }
  throw core::environment_error(name + ": neither a file nor a pack that is shipped or installed");
}

}  // namespace stateutils::bench
