#include "ckpt/protect/blocks.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt::protect {
namespace {

constexpr std::size_t kMaxOpen = 256;

std::string in_parity_folder(const std::string& name) {
  return std::string(kFolder) + '/' + name;
}

}  // namespace

std::shared_ptr<const core::FileReader> BlockFiles::open(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(name);
  if (found != open_.end()) return found->second;
  if (open_.size() >= kMaxOpen) open_.clear();  // readers in use live on in their users
  auto reader = std::make_shared<const core::FileReader>(folder_ + '/' + name);
  open_.emplace(name, reader);
  return reader;
}

std::optional<std::uint64_t> BlockFiles::size(const std::string& name) const {
  struct stat found {};
  if (::stat((folder_ + '/' + name).c_str(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(found.st_size);
}

bool BlockFiles::read(const std::string& name, std::uint64_t offset, std::uint64_t size,
                      std::uint8_t* to) const {
  if (!this->size(name)) return false;
  const auto reader = open(name);  // no descriptor, no permission: not the loss of a file
  try {
    reader->read_at(offset, to, size);
    return true;
  } catch (const core::Error& error) {
    // Shorter than it was, or a disk that fails there: both are what parity is for.
    return false;
  }
}

bool BlockFiles::read_member(const Member& member, std::uint64_t column, std::uint8_t* to) const {
  return read(member.file, member.offset + column * kBlock, block_size(member.size, column), to);
}

bool BlockFiles::read_parity(const Group& group, std::size_t index, std::uint64_t column,
                             std::uint8_t* to) const {
  return read(in_parity_folder(group.parity[index].file), column * kBlock,
              block_size(group.length, column), to);
}

void Column::code(const Matrix& rows, std::uint64_t size) {
  std::vector<const std::uint8_t*> sources;
  std::vector<std::uint8_t*> outputs;
  for (std::size_t c = 0; c < rows.columns; ++c) sources.push_back(block(c));
  for (std::size_t r = 0; r < rows.rows; ++r) outputs.push_back(block(rows.columns + r));
  gf_apply(rows, sources, outputs, size);
}

// The first K blocks that are good are K independent rows times the members; the inverse of those
// rows gives the members back, and the members the parity.
void Column::solve(const Matrix& rows, const std::vector<std::size_t>& lost) {
  const std::size_t data = rows.columns, all = data + rows.rows;
  const auto is_lost = [&lost](std::size_t i) { return std::ranges::find(lost, i) != lost.end(); };
  Matrix survivors(data, data);
  std::vector<const std::uint8_t*> sources;
  for (std::size_t i = 0; i < all && sources.size() < data; ++i) {
    if (is_lost(i)) continue;
    for (std::size_t c = 0; c < data; ++c) {
      survivors.at(sources.size(), c) =
          i < data ? static_cast<std::uint8_t>(i == c ? 1 : 0) : rows.at(i - data, c);
    }
    sources.push_back(block(i));
  }
  if (sources.size() < data || !invert(survivors)) {
    throw std::logic_error("a column that its code cannot solve");
  }
  const auto pick = [&](bool members) {
    std::vector<std::size_t> wanted;
    for (const std::size_t i : lost) {
      if ((i < data) == members) wanted.push_back(i);
    }
    return wanted;
  };
  const auto apply = [&](const std::vector<std::size_t>& wanted, const Matrix& from,
                         std::size_t first, const std::vector<const std::uint8_t*>& inputs) {
    Matrix chosen(wanted.size(), data);
    std::vector<std::uint8_t*> outputs;
    for (std::size_t r = 0; r < wanted.size(); ++r) {
      for (std::size_t c = 0; c < data; ++c) chosen.at(r, c) = from.at(wanted[r] - first, c);
      outputs.push_back(block(wanted[r]));
    }
    gf_apply(chosen, inputs, outputs, size_);
  };
  apply(pick(true), survivors, 0, sources);
  std::vector<const std::uint8_t*> members;
  for (std::size_t c = 0; c < data; ++c) members.push_back(block(c));
  apply(pick(false), rows, data, members);
}

BadBlocks bad_blocks(const BlockFiles& files, const Group& group, int threads) {
  const std::size_t data = group.members.size(), all = data + group.parity.size();
  BadBlocks found;
  found.bad.assign(group.columns(), std::vector<char>(all));
  core::parallel_for(group.columns(), threads, [&](std::uint64_t column) {
    core::check_stop();
    std::vector<std::uint8_t> block(kBlock);
    for (std::size_t i = 0; i < all; ++i) {
      const bool member = i < data;
      const std::uint64_t size = block_size(member ? group.members[i].size : group.length, column);
      if (size == 0) continue;
      const bool read = member ? files.read_member(group.members[i], column, block.data())
                               : files.read_parity(group, i - data, column, block.data());
      const auto& hashes = member ? group.members[i].hashes : group.parity[i - data].hashes;
      if (!read || core::xxh3_64(block.data(), size) != hashes[column]) found.bad[column][i] = 1;
    }
  });
  for (const auto& column : found.bad) {
    const auto bad = static_cast<std::uint64_t>(std::ranges::count(column, 1));
    found.count += bad;
    found.lost_columns += bad > group.parity.size() ? 1 : 0;
  }
  return found;
}

}  // namespace stateutils::ckpt::protect
