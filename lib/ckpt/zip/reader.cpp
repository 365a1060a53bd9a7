#include "ckpt/zip/reader.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "ckpt/zip/crc32.hpp"
#include "core/checked.hpp"
#include "core/error.hpp"
#include "core/signals.hpp"

namespace stateutils::ckpt {
namespace {

// PKWARE APPNOTE 6.3.9, sections 4.3.7 to 4.3.16.
constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kCentralSignature = 0x02014b50;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kLocator64Signature = 0x07064b50;
constexpr std::size_t kEndSize = 22, kLocatorSize = 20, kEnd64Size = 56, kCentralSize = 46,
                      kLocalSize = 30, kMaxComment = 65535;
constexpr std::uint16_t kEncrypted = 1u << 0, kDescriptor = 1u << 3;

template <class T>
T get(std::string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

struct Directory {
  std::uint64_t offset = 0, size = 0, entries = 0;
  std::uint64_t end = 0;  // where the end records begin
};

class ZipReader {
 public:
  ZipReader(const ByteFile& file, ZipOptions options) : file_(file), options_(options) {}

  std::vector<ZipEntry> run() {
    const Directory directory = find_directory();
    const std::string central = read_text(file_, directory.offset, directory.size);
    std::vector<ZipEntry> entries;
    std::size_t at = 0;
    while (at < central.size()) entries.push_back(central_entry(central, at, directory.offset));
    if (entries.size() != directory.entries) {
      fail(directory.offset, "the central directory holds " + std::to_string(entries.size()) +
                                 " entries, its end record says " +
                                 std::to_string(directory.entries));
    }
    check_names(entries);
    for (std::size_t i = 0; i < entries.size(); ++i) check_local(entries[i], local_[i]);
    check_overlap(entries, directory.offset);
    return entries;
  }

 private:
  [[noreturn]] void fail(std::uint64_t offset, const std::string& message) const {
    throw core::input_error({file_.name(), std::nullopt, offset}, message);
  }

  Directory find_directory() const {
    const std::uint64_t size = file_.size();
    if (size < kEndSize) fail(0, "too short for a zip archive");
    const std::uint64_t tail_size = std::min<std::uint64_t>(size, kEndSize + kMaxComment);
    const std::uint64_t tail_at = size - tail_size;
    const std::string tail = read_text(file_, tail_at, tail_size);
    for (std::size_t at = tail.size() - kEndSize + 1; at-- > 0;) {
      const bool found = get<std::uint32_t>(tail, at) == kEndSignature &&
                         at + kEndSize + get<std::uint16_t>(tail, at + 20) == tail.size();
      if (found) return end_record(tail.substr(at, kEndSize), tail_at + at);
    }
    fail(size, "no end of central directory: the archive is cut off");
  }

  Directory end_record(std::string_view end, std::uint64_t at) const {
    Directory directory{.offset = get<std::uint32_t>(end, 16),
                        .size = get<std::uint32_t>(end, 12),
                        .entries = get<std::uint16_t>(end, 10),
                        .end = at};
    if (at >= kLocatorSize) {
      const std::string locator = read_text(file_, at - kLocatorSize, kLocatorSize);
      if (get<std::uint32_t>(locator, 0) == kLocator64Signature) {
        directory = end64_record(get<std::uint64_t>(locator, 8), at - kLocatorSize);
      }
    }
    const auto end_of = core::checked_add(directory.offset, directory.size);
    if (!end_of || *end_of > directory.end) fail(at, "the central directory lies outside the file");
    // An entry has at least 46 bytes: a lie about their number costs nothing.
    if (directory.entries > directory.size / kCentralSize) {
      fail(at, "more entries than the central directory has room for");
    }
    return directory;
  }

  Directory end64_record(std::uint64_t at, std::uint64_t limit) const {
    if (at > limit || limit - at < kEnd64Size)
      fail(limit, "the zip64 end record lies outside the file");
    const std::string end = read_text(file_, at, kEnd64Size);
    if (get<std::uint32_t>(end, 0) != kEnd64Signature) fail(at, "no zip64 end record here");
    return {.offset = get<std::uint64_t>(end, 48),
            .size = get<std::uint64_t>(end, 40),
            .entries = get<std::uint64_t>(end, 32),
            .end = at};
  }

  ZipEntry central_entry(std::string_view central, std::size_t& at, std::uint64_t base) {
    if (central.size() - at < kCentralSize ||
        get<std::uint32_t>(central, at) != kCentralSignature) {
      fail(base + at, "the central directory is malformed");
    }
    const std::string_view fixed = central.substr(at, kCentralSize);
    const std::size_t name_size = get<std::uint16_t>(fixed, 28);
    const std::size_t extra_size = get<std::uint16_t>(fixed, 30);
    const std::size_t whole = kCentralSize + name_size + extra_size + get<std::uint16_t>(fixed, 32);
    if (central.size() - at < whole) fail(base + at, "the central directory is cut off");
    ZipEntry entry;
    entry.name = central.substr(at + kCentralSize, name_size);
    const auto flags = get<std::uint16_t>(fixed, 8);
    const auto method = get<std::uint16_t>(fixed, 10);
    entry.crc = get<std::uint32_t>(fixed, 16);
    entry.stored_size = get<std::uint32_t>(fixed, 20);
    entry.size = get<std::uint32_t>(fixed, 24);
    std::uint64_t local = get<std::uint32_t>(fixed, 42);
    widen(central.substr(at + kCentralSize + name_size, extra_size),
          {&entry.size, &entry.stored_size, &local}, base + at);
    if ((flags & kEncrypted) != 0)
      fail(base + at, "entry " + core::quoted(entry.name) + " is encrypted");
    entry.deflated = method == 8;
    if (method != 0 && !(options_.allow_deflate && entry.deflated)) {
      fail(base + at,
           "entry " + core::quoted(entry.name) + " is compressed; only stored entries are read");
    }
    if (method == 0 && entry.size != entry.stored_size) {
      fail(base + at, "entry " + core::quoted(entry.name) + " is stored with two different sizes");
    }
    local_.push_back(local);
    at += whole;
    return entry;
  }

  // The zip64 extra field (4.5.3): values for the fields that hold all ones, in this order.
  void widen(std::string_view extra, const std::vector<std::uint64_t*>& fields,
             std::uint64_t place) const {
    std::string_view wide;
    for (std::size_t at = 0; at + 4 <= extra.size();) {
      const std::size_t size = get<std::uint16_t>(extra, at + 2);
      if (extra.size() - at - 4 < size) break;  // trailing padding that is no field
      if (get<std::uint16_t>(extra, at) == 1) wide = extra.substr(at + 4, size);
      at += 4 + size;
    }
    for (std::uint64_t* field : fields) {
      if (*field != 0xffffffff) continue;
      if (wide.size() < 8) fail(place, "a zip64 size is missing");
      *field = get<std::uint64_t>(wide, 0);
      wide.remove_prefix(8);
    }
  }

  void check_names(const std::vector<ZipEntry>& entries) const {
    std::unordered_set<std::string_view> seen;
    for (const ZipEntry& entry : entries) {
      const std::string_view name = entry.name;
      if (!seen.insert(name).second) fail(0, "two entries are named " + core::quoted(name));
      const bool leaves = name.empty() || name.front() == '/' || name == ".." ||
                          name.starts_with("../") || name.ends_with("/..") ||
                          name.find("/../") != std::string_view::npos ||
                          name.find('\0') != std::string_view::npos;
      if (leaves) fail(0, "entry name " + core::quoted(name) + " is not allowed");
    }
  }

  void check_local(ZipEntry& entry, std::uint64_t at) const {
    const std::string what = "entry " + core::quoted(entry.name);
    if (at > file_.size() || file_.size() - at < kLocalSize)
      fail(at, what + " lies outside the file");
    const std::string header = read_text(file_, at, kLocalSize);
    if (get<std::uint32_t>(header, 0) != kLocalSignature) fail(at, what + " has no local header");
    const std::size_t name_size = get<std::uint16_t>(header, 26);
    const std::size_t extra_size = get<std::uint16_t>(header, 28);
    const auto flags = get<std::uint16_t>(header, 6);
    entry.data_offset = at + kLocalSize + name_size + extra_size;
    if (entry.data_offset > file_.size() || entry.stored_size > file_.size() - entry.data_offset) {
      fail(at, what + " passes the end of the file");
    }
    const std::string rest = read_text(file_, at + kLocalSize, name_size + extra_size);
    const bool same_method = get<std::uint16_t>(header, 8) == (entry.deflated ? 8 : 0);
    if (rest.substr(0, name_size) != entry.name || !same_method || (flags & kEncrypted) != 0) {
      fail(at, what + ": the local header disagrees with the central directory");
    }
    if ((flags & kDescriptor) != 0) return;  // crc and sizes follow the data
    std::uint64_t stored = get<std::uint32_t>(header, 18), size = get<std::uint32_t>(header, 22);
    widen(std::string_view(rest).substr(name_size), {&size, &stored}, at);
    if (stored != entry.stored_size || size != entry.size ||
        get<std::uint32_t>(header, 14) != entry.crc) {
      fail(at, what + ": the local header disagrees with the central directory");
    }
  }

  // Overlapping entries would let a small archive claim any amount of data.
  void check_overlap(const std::vector<ZipEntry>& entries, std::uint64_t directory) const {
    std::vector<std::size_t> order(entries.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [&](std::size_t i) { return local_[i]; });
    for (std::size_t k = 0; k < order.size(); ++k) {
      const ZipEntry& entry = entries[order[k]];
      const std::uint64_t limit = k + 1 < order.size() ? local_[order[k + 1]] : directory;
      if (entry.data_offset + entry.stored_size > limit) {
        fail(local_[order[k]], "entry " + core::quoted(entry.name) + " overlaps what follows it");
      }
    }
  }

  const ByteFile& file_;
  ZipOptions options_;
  std::vector<std::uint64_t> local_;  // offsets of the local headers
};

}  // namespace

std::vector<ZipEntry> read_zip(const ByteFile& file, ZipOptions options) {
  return ZipReader(file, options).run();
}

bool looks_like_zip(const ByteFile& file) {
  if (file.size() < 4) return false;
  std::uint32_t signature = 0;
  file.read_at(0, &signature, 4);
  return signature == kLocalSignature || signature == kEndSignature;
}

std::uint32_t entry_crc(const ByteFile& file, std::uint64_t offset, std::uint64_t size) {
  std::vector<char> buffer(std::min<std::uint64_t>(size, 1u << 20));
  std::uint32_t crc = 0;
  while (size > 0) {
    core::check_stop();
    const std::uint64_t part = std::min<std::uint64_t>(size, buffer.size());
    file.read_at(offset, buffer.data(), part);
    crc = crc32(crc, buffer.data(), part);
    offset += part;
    size -= part;
  }
  return crc;
}

}  // namespace stateutils::ckpt
