// What lies in folders. A listing that a signal interrupts begins again; a folder that is there and
// cannot be read is kEnvironment, one that is not there is empty.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace stateutils::ckpt {

using FolderEntries = std::vector<std::filesystem::directory_entry>;

// The entries of a folder, sorted by path.
[[nodiscard]] FolderEntries list_folder(const std::string& folder);
// The regular files at any depth, sorted by path, below folders whose name `enter` admits.
using EnterFolder = std::function<bool(const std::string& name)>;
[[nodiscard]] FolderEntries list_files_below(const std::string& folder,
                                             const EnterFolder& enter = {});

}  // namespace stateutils::ckpt
