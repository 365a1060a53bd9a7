// Making damaged files of a protected folder again.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>

#include "ckpt/protect/blocks.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/output_file.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt::protect {
namespace {

namespace fs = std::filesystem;
using Outputs = std::map<std::string, std::unique_ptr<core::OutputFile>>;

std::string place_of(const ParityFile& parity) {
  return std::string(kFolder) + '/' + parity.file;
}

// Files with a bad block, a wrong size, or none at all.
std::set<std::string> damaged_files(const BlockFiles& files, const Group& group,
                                    const BadBlocks& bad,
                                    const std::map<std::string, std::uint64_t>& sizes) {
  std::set<std::string> damaged;
  const std::size_t data = group.members.size();
  for (const auto& column : bad.bad) {
    for (std::size_t i = 0; i < column.size(); ++i) {
      if (column[i] == 0) continue;
      damaged.insert(i < data ? group.members[i].file : place_of(group.parity[i - data]));
    }
  }
  for (const Member& member : group.members) {
    if (member.file.empty()) continue;
    if (files.size(member.file) != sizes.at(member.file)) damaged.insert(member.file);
  }
  for (const ParityFile& parity : group.parity) {
    if (files.size(place_of(parity)) != group.length) damaged.insert(place_of(parity));
  }
  return damaged;
}

struct GroupRepair {
  const BlockFiles& files;
  const Group& group;
  const Matrix& rows;
  const BadBlocks& bad;
  const Outputs& outputs;

  // Reads what is good, makes what is not, and puts down the blocks of the damaged files.
  void column(std::uint64_t column) const {
    core::check_stop();
    const std::size_t data = group.members.size(), all = data + group.parity.size();
    const std::uint64_t size = block_size(group.length, column);
    Column room(all, size);
    std::vector<std::size_t> lost;
    for (std::size_t i = 0; i < all; ++i) {
      if (bad.bad[column][i] != 0) {
        lost.push_back(i);
      } else if (block_bytes(i, column) > 0 && !read(i, column, room.block(i))) {
        throw core::environment_error(file_of(i) + ": changed while it was repaired");
      }
    }
    if (!lost.empty()) room.solve(rows, lost);
    for (const std::size_t i : lost) check(i, column, room.block(i));
    for (std::size_t i = 0; i < all; ++i) {
      const auto output = outputs.find(file_of(i));
      const std::uint64_t bytes = block_bytes(i, column);
      if (output == outputs.end() || bytes == 0) continue;
      const std::uint64_t base = i < data ? group.members[i].offset : 0;
      core::pwrite_fully(output->second->fd(), reinterpret_cast<const char*>(room.block(i)), bytes,
                         base + column * kBlock, output->second->path());
    }
  }

 private:
  [[nodiscard]] std::uint64_t block_bytes(std::size_t i, std::uint64_t column) const {
    return block_size(i < group.members.size() ? group.members[i].size : group.length, column);
  }
  [[nodiscard]] std::string file_of(std::size_t i) const {
    const std::size_t data = group.members.size();
    return i < data ? group.members[i].file : place_of(group.parity[i - data]);
  }
  bool read(std::size_t i, std::uint64_t column, std::uint8_t* to) const {
    const std::size_t data = group.members.size();
    return i < data ? files.read_member(group.members[i], column, to)
                    : files.read_parity(group, i - data, column, to);
  }
  void check(std::size_t i, std::uint64_t column, const std::uint8_t* block) const {
    const std::size_t data = group.members.size();
    const auto& hashes = i < data ? group.members[i].hashes : group.parity[i - data].hashes;
    if (core::xxh3_64(block, block_bytes(i, column)) != hashes[column]) {
      throw core::verdict_error(file_of(i) + ": the repaired block at byte " +
                                std::to_string(column * kBlock) +
                                " does not have the hash that was recorded; nothing was written");
    }
  }
};

}  // namespace

Damage repair_folder(const std::string& folder, const ProtectOptions& options) {
  const Sidecar sidecar = load_sidecar(folder);
  const BlockFiles files(folder);
  const Matrix rows = sidecar.rows();
  std::map<std::string, std::uint64_t> sizes;
  for (const Sidecar::File& file : sidecar.files) sizes.emplace(file.name, file.size);
  Damage damage;
  std::vector<BadBlocks> bad;
  std::vector<std::set<std::string>> damaged;
  for (const Group& group : sidecar.groups) {
    bad.push_back(bad_blocks(files, group, options.threads));
    damaged.push_back(damaged_files(files, group, bad.back(), sizes));
    damage.blocks += bad.back().count;
    damage.lost_columns += bad.back().lost_columns;
    damage.files.insert(damage.files.end(), damaged.back().begin(), damaged.back().end());
  }
  if (damage.files.empty() || damage.lost_columns > 0 || options.dry_run) return damage;
  const core::OutputFileOptions file_options{.sync = options.sync, .replace = true};
  Outputs outputs;
  for (std::size_t g = 0; g < sidecar.groups.size(); ++g) {
    if (damaged[g].empty()) continue;
    for (const std::string& name : damaged[g]) {
      const fs::path path = fs::path(folder) / name;
      fs::create_directories(path.parent_path());
      outputs.emplace(name, std::make_unique<core::OutputFile>(path.string(), file_options));
    }
    const GroupRepair repair{files, sidecar.groups[g], rows, bad[g], outputs};
    core::parallel_for(sidecar.groups[g].columns(), options.threads, [&](std::uint64_t column) {
      options.check_deadline();
      repair.column(column);
    });
  }
  for (auto& [name, output] : outputs) output->prepare();
  for (auto& [name, output] : outputs) output->publish();
  return damage;
}

}  // namespace stateutils::ckpt::protect
