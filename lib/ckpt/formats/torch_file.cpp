#include "ckpt/formats/torch_file.hpp"

#include <algorithm>
#include <cstring>

#include "ckpt/pickle/scan.hpp"
#include "ckpt/zip/crc32.hpp"
#include "ckpt/zip/reader.hpp"
#include "core/checked.hpp"
#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

// torch/serialization.py: MAGIC_NUMBER = 0x1950a86a20f9469cfc6c as LONG1, after PROTO 2.
constexpr std::string_view kLegacyMagic{"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13};
constexpr std::uint64_t kLegacyProtocol = 1001;

bool is_tar(const ByteFile& file) {
  return file.size() >= 512 && read_text(file, 257, 5) == "ustar";
}

bool is_legacy(const ByteFile& file) {
  if (file.size() < 2 + kLegacyMagic.size()) return false;
  const std::string start = read_text(file, 0, 2 + kLegacyMagic.size());
  return start[0] == '\x80' && std::string_view(start).substr(2) == kLegacyMagic;
}

core::Error refused(const ByteFile& file, const std::string& message,
                    std::optional<std::uint64_t> at = {}) {
  return core::input_error({file.name(), std::nullopt, at}, message);
}

// The bytes that are swapped together: halves of complex numbers.
std::uint64_t swap_unit(DType dtype) {
  const bool complex = dtype == DType::kC64 || dtype == DType::kC128;
  return complex ? item_bytes(dtype) / 2 : item_bytes(dtype);
}

}  // namespace

bool looks_like_torch(const ByteFile& file) {
  return looks_like_zip(file) || is_legacy(file) || is_tar(file);
}

TorchFile::TorchFile(ByteFilePtr file, const ReadOptions& options)
    : file_(std::move(file)), options_(options) {
  if (is_tar(*file_)) {
    throw refused(*file_, "the tar form that PyTorch wrote before 2017 is unsupported");
  }
  if (looks_like_zip(*file_)) {
    open_zip();
  } else if (is_legacy(*file_)) {
    open_legacy();
  } else {
    throw refused(*file_, "no PyTorch file: neither a zip archive nor the legacy form", 0);
  }
}

void TorchFile::open_zip() {
  const std::vector<ZipEntry> entries = read_zip(*file_);
  const ZipEntry* pickle = nullptr;
  for (const ZipEntry& entry : entries) {
    if (!entry.name.ends_with("/data.pkl")) continue;
    if (pickle != nullptr) throw refused(*file_, "two entries named */data.pkl");
    pickle = &entry;
  }
  if (pickle == nullptr) throw refused(*file_, "a zip archive without data.pkl: no PyTorch file");
  const std::string root = pickle->name.substr(0, pickle->name.size() - 8);
  const auto small = [&](const ZipEntry& entry) {
    if (entry.size > options_.max_memory) {
      throw refused(*file_, core::quoted(entry.name) + " is larger than --max-memory");
    }
    std::string text = read_text(*file_, entry.data_offset, entry.size);
    if (crc32(0, text.data(), text.size()) != entry.crc && options_.check_sums) {
      findings_.push_back(
          {"crc", "", "zip entry " + core::quoted(entry.name) + " does not match its CRC"});
    }
    return text;
  };
  for (const ZipEntry& entry : entries) {
    if (&entry == pickle || !entry.name.starts_with(root)) continue;
    const std::string name = entry.name.substr(root.size());
    if (name == "byteorder") {
      const std::string order = small(entry);
      if (order != "little" && order != "big")
        throw refused(*file_, "unknown byte order " + core::quoted(order));
      big_endian_ = order == "big";
    } else if (name.starts_with("data/")) {
      storages_[name.substr(5)] = {entry.data_offset, entry.size};
      sums_.push_back({file_, entry.data_offset, entry.size, entry.crc, entry.name});
    } else if (entry.size <= 65536) {
      (void)small(entry);
    }
  }
  document_ = std::make_shared<const Document>(small(*pickle), file_->name() + ":" + pickle->name,
                                               options_.pickle());
}

// Five pickles: magic, protocol, system, object, list of storage keys.
void TorchFile::open_legacy() {
  std::uint64_t at = 0;
  (void)legacy_pickle(at);
  const auto protocol = legacy_pickle(at);
  if (as_size(protocol->root_object()) != kLegacyProtocol) {
    throw refused(*file_, "an unknown protocol of the legacy form");
  }
  const auto system = legacy_pickle(at);
  const Object* little = system->heap().find(system->root(), "little_endian");
  big_endian_ = little != nullptr && little->kind == Kind::kBool && little->integer == 0;
  document_ = legacy_pickle(at);
  const auto keys = legacy_pickle(at);
  add_legacy_storages(at, *keys);
}

// Decodes the pickle at `at` and moves behind it. The window grows until STOP lies inside.
std::unique_ptr<Document> TorchFile::legacy_pickle(std::uint64_t& at) const {
  std::uint64_t window = 64 * 1024;
  while (true) {
    const std::uint64_t size = std::min(window, file_->size() - at);
    std::string text = read_text(*file_, at, size);
    if (const auto length = pickle_length(text)) {
      text.resize(*length);
    } else if (size < file_->size() - at && window < options_.max_memory) {
      window *= 2;
      continue;
    }
    auto document =
        std::make_unique<Document>(std::move(text), file_->name(), options_.pickle(), at);
    at += document->consumed();
    return document;
  }
}

void TorchFile::add_legacy_storages(std::uint64_t at, const Document& keys) {
  if (keys.root_object().kind != Kind::kList) throw refused(*file_, "no list of storage keys");
  std::unordered_map<std::string_view, std::uint64_t> item;  // bytes of one element, by key
  for (const StorageRef& storage : heap().storages) {
    item[storage.key] = storage.dtype ? item_bytes(*storage.dtype) : 1;
  }
  for (const Ref ref : keys.root_object().items) {
    const Object& key = keys.heap().at(ref);
    const auto known = item.find(key.text);
    if (key.kind != Kind::kString || known == item.end()) {
      throw refused(*file_, "a storage key that the object does not name");
    }
    std::uint64_t count = 0;
    file_->read_at(at, &count, 8);
    if (big_endian_) count = __builtin_bswap64(count);
    at += 8;
    const auto bytes = core::checked_mul(count, known->second);
    if (!bytes || *bytes > file_->size() - at) {
      throw refused(*file_, "storage " + core::quoted(key.text) + " passes the end of the file",
                    at);
    }
    if (!storages_.emplace(std::string(key.text), Storage{at, *bytes}).second) {
      throw refused(*file_, "storage " + core::quoted(key.text) + " is there twice", at);
    }
    at += *bytes;
  }
}

std::string TorchFile::identity(const Object& object) const {
  const TensorView& view = heap().tensors[static_cast<std::size_t>(object.integer)];
  const StorageRef& storage =
      heap().storages[static_cast<std::size_t>(heap().at(view.storage).integer)];
  std::string text = std::string(storage.key) + '|' + std::to_string(view.offset) + '|' +
                     std::string(dtype_name(view.dtype));
  for (std::size_t d = 0; d < view.shape.size(); ++d) {
    text += '|' + std::to_string(view.shape[d]) + ':' + std::to_string(view.strides[d]);
  }
  return text;
}

Tensor TorchFile::tensor(const Object& object, std::string tensor_name) const {
  const TensorView& view = heap().tensors[static_cast<std::size_t>(object.integer)];
  const StorageRef& storage =
      heap().storages[static_cast<std::size_t>(heap().at(view.storage).integer)];
  const auto fail = [&](const std::string& message) {
    return refused(*file_, "tensor " + core::quoted(tensor_name) + ": storage " +
                               core::quoted(storage.key) + ' ' + message);
  };
  const std::uint64_t item = item_bytes(view.dtype);
  const auto needed =
      core::checked_mul(storage.numel, storage.dtype ? item_bytes(*storage.dtype) : 1);
  const auto found = storages_.find(std::string(storage.key));
  if (found == storages_.end()) throw fail("is absent");
  if (!needed || found->second.bytes < *needed) {
    throw fail("has " + std::to_string(found->second.bytes) + " bytes, fewer than its " +
               std::to_string(storage.numel) + " elements need");
  }
  const auto bytes = tensor_bytes(view.dtype, view.shape);
  if (!bytes) throw fail("is viewed in a size that overflows");
  if (!options_.allow_expand && *bytes / 4 > *needed) {
    throw fail("is expanded to more than 4 times its size (--allow-expand reads it)");
  }
  Tensor made{.name = std::move(tensor_name), .dtype = view.dtype, .shape = view.shape};
  Piece piece{.offset = Shape(view.shape.size(), 0), .size = view.shape, .file = file_};
  piece.at = found->second.offset + view.offset * item;
  for (const std::uint64_t stride : view.strides) piece.strides.push_back(stride * item);
  if (big_endian_ && swap_unit(view.dtype) > 1) {
    // Items are reversed within the storage, whatever its place in the file.
    piece.file = swapped_file(sub_file(file_, found->second.offset, found->second.bytes),
                              swap_unit(view.dtype));
    piece.at = view.offset * item;
  }
  made.pieces.push_back(std::move(piece));
  return made;
}

}  // namespace stateutils::ckpt
