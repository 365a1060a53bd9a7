#include "ckpt/model/folder.hpp"

#include <algorithm>
#include <system_error>

#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;

template <class Iterator, class Take>
FolderEntries list_with(const std::string& folder, const Take& take) {
  std::error_code failed;
  do {
    core::check_stop();
    failed.clear();
    FolderEntries found;
    for (Iterator at(folder, failed); !failed && at != Iterator(); at.increment(failed)) {
      take(at, found);
    }
    if (!failed) {
      std::ranges::sort(found, {}, &fs::directory_entry::path);
      return found;
    }
  } while (failed == std::errc::interrupted);
  if (failed == std::errc::no_such_file_or_directory || failed == std::errc::not_a_directory) {
    return {};
  }
  throw core::system_error(folder, "list", failed.value());
}

}  // namespace

FolderEntries list_folder(const std::string& folder) {
  return list_with<fs::directory_iterator>(
      folder, [](const auto& at, FolderEntries& found) { found.push_back(*at); });
}

FolderEntries list_files_below(const std::string& folder, const EnterFolder& enter) {
  return list_with<fs::recursive_directory_iterator>(
      folder, [&enter](auto& at, FolderEntries& found) {
        if (at->is_directory()) {
          if (enter && !enter(at->path().filename().string())) at.disable_recursion_pending();
        } else if (at->is_regular_file()) {
          found.push_back(*at);
        }
      });
}

}  // namespace stateutils::ckpt
