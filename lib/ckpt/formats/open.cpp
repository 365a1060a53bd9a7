#include "ckpt/formats/open.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "ckpt/ckz/read.hpp"
#include "ckpt/formats/dcp.hpp"
#include "ckpt/formats/deepspeed.hpp"
#include "ckpt/formats/gguf.hpp"
#include "ckpt/formats/layout.hpp"
#include "ckpt/formats/megatron.hpp"
#include "ckpt/formats/numpy.hpp"
#include "ckpt/formats/safetensors.hpp"
#include "ckpt/formats/shard_index.hpp"
#include "ckpt/formats/torch_file.hpp"
#include "ckpt/model/folder.hpp"
#include "ckpt/ucp/layout.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

namespace fs = std::filesystem;

bool has_safetensors_header(const ByteFile& file) {
  if (file.size() < 10) return false;
  const std::string start = read_text(file, 0, 9);
  return start[8] == '{';
}

// The length field of a safetensors file is far smaller than eight bytes of text.
bool is_plausible_length(const ByteFile& file) {
  std::uint64_t length = 0;
  file.read_at(0, &length, 8);
  return length <= file.size() - 8;
}

bool is_json_text(const ByteFile& file) {
  const std::string start = read_text(file, 0, std::min<std::uint64_t>(file.size(), 64));
  const auto first = start.find_first_not_of(" \t\r\n");
  return first != std::string::npos && start[first] == '{' && start.find('\0') == std::string::npos;
}

bool is_safetensors(const ByteFile& file) {
  if (!has_safetensors_header(file)) return false;
  return is_plausible_length(file) || !is_json_text(file);
}

struct FileFormat {
  const char* id;
  bool (*matches)(const ByteFile&);
  Catalogue (*open)(const ByteFilePtr&, const ReadOptions&);
};

constexpr FileFormat kFileFormats[] = {
    {"ckz", is_ckz, open_ckz}, {"safetensors", is_safetensors, open_safetensors},
    {"npz", is_npz, open_npz}, {"pt", looks_like_torch, open_torch},
    {"npy", is_npy, open_npy}, {"gguf", is_gguf, open_gguf},
};

// A folder is known by the files in it.
struct FolderFormat {
  const char* id;
  bool (*matches)(const std::string&);
  Catalogue (*open)(const std::string&, const ReadOptions&);
};

bool exists(const std::string& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

Catalogue open_index(const std::string& path, const ReadOptions& options) {
  const ShardIndex index = read_shard_index(path);
  if (index.shards.empty()) {
    return Catalogue{.format = "safetensors", .source = path};
  }
  const ByteFilePtr first = plain_file(index.folder + index.shards.front());
  return looks_like_torch(*first) ? open_torch_index(path, options)
                                  : open_safetensors_index(path, options);
}

template <const char* kName>
bool has_file(const std::string& folder) {
  return exists(folder + '/' + kName);
}
template <const char* kName>
Catalogue open_named(const std::string& folder, const ReadOptions& options) {
  return open_checkpoint(folder + '/' + kName, options);
}
constexpr char kSafetensorsIndex[] = "model.safetensors.index.json";
constexpr char kTorchIndex[] = "pytorch_model.bin.index.json";
constexpr char kSafetensorsModel[] = "model.safetensors";
constexpr char kTorchModel[] = "pytorch_model.bin";

Catalogue open_own_layout(const std::string& folder, const ReadOptions& options) {
  return open_layout(folder, folder + '/' + kLayoutName, options);
}
bool has_layout(const std::string& folder) {
  return exists(folder + '/' + kLayoutName);
}

constexpr FolderFormat kFolderFormats[] = {
    {"dcp", is_dcp_folder, open_dcp},
    {"universal", is_universal_folder, open_universal},
    {"deepspeed", is_deepspeed_folder, open_deepspeed},
    {"megatron", is_megatron_folder, open_megatron},
    {"safetensors", has_layout, open_own_layout},
    {"pt", has_layout, open_own_layout},
    {"safetensors", has_file<kSafetensorsIndex>, open_named<kSafetensorsIndex>},
    {"pt", has_file<kTorchIndex>, open_named<kTorchIndex>},
    {"safetensors", has_file<kSafetensorsModel>, open_named<kSafetensorsModel>},
    {"pt", has_file<kTorchModel>, open_named<kTorchModel>},
};

// A folder that holds one model file under another name.
std::string only_model(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : list_folder(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) continue;
    if (name.ends_with(".index.json") || name.ends_with(".safetensors") || name.ends_with(".pt") ||
        name.ends_with(".pth") || name.ends_with(".bin") || name.ends_with(".ckpt")) {
      found.push_back(entry.path().string());
    }
  }
  const auto index =
      std::ranges::find_if(found, [](const auto& p) { return p.ends_with(".index.json"); });
  if (index != found.end()) return *index;
  return found.size() == 1 ? found.front() : "";
}

Catalogue open_folder(const std::string& path, const ReadOptions& options) {
  std::string folder = path;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  for (const FolderFormat& format : kFolderFormats) {
    if (!options.from.empty() && options.from != format.id) continue;
    if (format.matches(folder)) return format.open(folder, options);
  }
  const std::string model = only_model(folder);
  if (!model.empty()) return open_checkpoint(model, options);
  throw core::input_error({path}, "no checkpoint of a known format in this folder");
}

Catalogue open_file(const std::string& path, const ByteFilePtr& file, const ReadOptions& options) {
  for (const FileFormat& format : kFileFormats) {
    if (options.from.empty() ? format.matches(*file) : options.from == format.id) {
      if (!options.from.empty() && is_json_text(*file) && !format.matches(*file)) break;
      return format.open(file, options);
    }
  }
  if (path != "-" && is_json_text(*file)) return open_index(path, options);
  throw core::input_error({file->name()}, "not a checkpoint of a known format");
}

}  // namespace

std::vector<std::string> readable_formats() {
  std::vector<std::string> ids;
  const auto add = [&ids](const char* id) {
    if (std::ranges::find(ids, id) == ids.end()) ids.emplace_back(id);
  };
  for (const FileFormat& format : kFileFormats) add(format.id);
  for (const FolderFormat& format : kFolderFormats) add(format.id);
  return ids;
}

Catalogue open_checkpoint(const std::string& path, const ReadOptions& options) {
  if (path == "-") return open_file(path, spooled_input(path), options);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) throw core::system_error(path, "open", errno);
  if (!options.layout.empty()) return open_layout(path, options.layout, options);
  Catalogue catalogue = S_ISDIR(found.st_mode)   ? open_folder(path, options)
                        : S_ISREG(found.st_mode) ? open_file(path, plain_file(path), options)
                                                 : open_file(path, spooled_input(path), options);
  catalogue.source = path;
  return catalogue;
}

}  // namespace stateutils::ckpt
