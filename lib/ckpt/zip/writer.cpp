#include "ckpt/zip/writer.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace stateutils::ckpt {
namespace {

constexpr std::uint64_t kWide = 0xffffffff;
constexpr std::uint16_t kUtf8Name = 1u << 11;
constexpr std::uint16_t kPadding = 0x4246;      // "FB", the id PyTorch pads with
constexpr std::uint32_t kDosDate = 0x00210000;  // 1980-01-01 00:00:00

void put16(std::string& out, std::uint64_t value) {
  out += static_cast<char>(value & 0xff);
  out += static_cast<char>(value >> 8 & 0xff);
}
void put32(std::string& out, std::uint64_t value) {
  put16(out, value & 0xffff);
  put16(out, value >> 16 & 0xffff);
}
void put64(std::string& out, std::uint64_t value) {
  put32(out, value & 0xffffffff);
  put32(out, value >> 32);
}

struct WrittenEntry {
  std::string name;
  std::uint64_t size = 0, local = 0;
  std::size_t header_region = 0, data_region = 0;
  std::uint64_t padding = 0;  // bytes of the padding field with its head; 0: none
};

std::string local_header(const WrittenEntry& entry, std::uint32_t crc) {
  const bool wide = entry.size >= kWide;
  std::string out;
  put32(out, 0x04034b50);
  put16(out, wide ? 45 : 20);
  put16(out, kUtf8Name);
  put16(out, 0);  // stored
  put32(out, kDosDate);
  put32(out, crc);
  put32(out, wide ? kWide : entry.size);
  put32(out, wide ? kWide : entry.size);
  put16(out, entry.name.size());
  put16(out, (wide ? 20u : 0u) + entry.padding);
  out += entry.name;
  if (wide) {
    put16(out, 1);
    put16(out, 16);
    put64(out, entry.size);
    put64(out, entry.size);
  }
  if (entry.padding > 0) {
    put16(out, kPadding);
    put16(out, entry.padding - 4);
    out.append(entry.padding - 4, 'Z');
  }
  return out;
}

void central_header(std::string& out, const WrittenEntry& entry, std::uint32_t crc) {
  std::string wide;
  if (entry.size >= kWide) {
    put64(wide, entry.size);
    put64(wide, entry.size);
  }
  if (entry.local >= kWide) put64(wide, entry.local);
  put32(out, 0x02014b50);
  put16(out, wide.empty() ? 20 : 45);
  put16(out, wide.empty() ? 20 : 45);
  put16(out, kUtf8Name);
  put16(out, 0);
  put32(out, kDosDate);
  put32(out, crc);
  put32(out, std::min(entry.size, kWide));
  put32(out, std::min(entry.size, kWide));
  put16(out, entry.name.size());
  put16(out, wide.empty() ? 0 : wide.size() + 4);
  put16(out, 0);
  put16(out, 0);
  put16(out, 0);
  put32(out, 0);
  put32(out, std::min(entry.local, kWide));
  out += entry.name;
  if (!wide.empty()) {
    put16(out, 1);
    put16(out, wide.size());
    out += wide;
  }
}

std::string directory(const std::vector<WrittenEntry>& entries,
                      const std::vector<std::uint32_t>& crcs, std::uint64_t at) {
  std::string out;
  for (const WrittenEntry& entry : entries) {
    central_header(out, entry, entry.size > 0 ? crcs[entry.data_region] : 0);
  }
  const std::uint64_t size = out.size();
  if (entries.size() >= 0xffff || at >= kWide || size >= kWide) {
    put32(out, 0x06064b50);
    put64(out, 44);
    put16(out, 45);
    put16(out, 45);
    put32(out, 0);
    put32(out, 0);
    put64(out, entries.size());
    put64(out, entries.size());
    put64(out, size);
    put64(out, at);
    put32(out, 0x07064b50);
    put32(out, 0);
    put64(out, at + size);
    put32(out, 1);
  }
  put32(out, 0x06054b50);
  put32(out, 0);
  put16(out, std::min<std::uint64_t>(entries.size(), 0xffff));
  put16(out, std::min<std::uint64_t>(entries.size(), 0xffff));
  put32(out, std::min(size, kWide));
  put32(out, std::min(at, kWide));
  put16(out, 0);
  return out;
}

}  // namespace

OutputPlan plan_zip(std::vector<ZipContent> contents, std::uint64_t align) {
  OutputPlan plan{.name = ""};
  std::vector<WrittenEntry> entries;
  std::uint64_t at = 0;
  for (ZipContent& content : contents) {
    if (content.name.size() > 0xffff) {
      throw core::Error(core::Category::kInput, "an entry name is longer than 65535 bytes");
    }
    WrittenEntry entry{.name = std::move(content.name), .size = content.bytes->size(), .local = at};
    const std::uint64_t bare = at + local_header(entry, 0).size();
    if (bare % align != 0) {
      entry.padding = align - bare % align;
      if (entry.padding < 4) entry.padding += align;
    }
    std::string header = local_header(entry, 0);
    at += header.size() + entry.size;
    entry.header_region = plan.regions.size();
    plan.literal(std::move(header));
    entry.data_region = plan.regions.size();
    if (entry.size > 0) {
      plan.regions.push_back({.content = content.bytes, .size = entry.size, .want_crc = true});
    }
    entries.push_back(std::move(entry));
  }
  const std::size_t last = plan.regions.size();
  plan.literal(directory(entries, std::vector<std::uint32_t>(last + 1), at));
  plan.finish = [entries = std::move(entries), last, at](const std::vector<std::uint32_t>& crcs) {
    std::vector<Patch> patches;
    for (const WrittenEntry& entry : entries) {
      if (entry.size > 0) {
        patches.push_back({entry.header_region, local_header(entry, crcs[entry.data_region])});
      }
    }
    patches.push_back({last, directory(entries, crcs, at)});
    return patches;
  };
  return plan;
}

}  // namespace stateutils::ckpt
