// Zip archives as PyTorch and NumPy write them: the central directory, checked against the local
// headers; zip64.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ckpt/model/bytes.hpp"

namespace stateutils::ckpt {

struct ZipEntry {
  std::string name;
  bool deflated = false;
  std::uint32_t crc = 0;
  std::uint64_t stored_size = 0;  // bytes in the archive
  std::uint64_t size = 0;         // bytes of content
  std::uint64_t data_offset = 0;
};

struct ZipOptions {
  bool allow_deflate = false;
};

// All entries in the order of the central directory. kInput for anything malformed: entries that
// are compressed (unless allowed), encrypted, doubled, overlapping, outside the file, or named
// with "..", and local headers that disagree.
[[nodiscard]] std::vector<ZipEntry> read_zip(const ByteFile& file, ZipOptions options = {});

// Whether the first bytes are those of a zip archive.
[[nodiscard]] bool looks_like_zip(const ByteFile& file);

// CRC of an entry's stored bytes as they are now.
[[nodiscard]] std::uint32_t entry_crc(const ByteFile& file, std::uint64_t offset,
                                      std::uint64_t size);

}  // namespace stateutils::ckpt
