#include "ckpt/protect/parity.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>

#include "ckpt/model/folder.hpp"
#include "ckpt/protect/blocks.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/input.hpp"
#include "core/output_file.hpp"
#include "core/signals.hpp"
#include "core/threads.hpp"

namespace stateutils::ckpt::protect {
namespace {

namespace fs = std::filesystem;

std::string sidecar_path(const std::string& folder) {
  return folder + '/' + kFolder + '/' + kSidecar;
}

std::string parity_name(std::size_t group, std::size_t index) {
  char text[64];
  if (group == 0) {
    std::snprintf(text, sizeof text, "p%02zu.bin", index);
  } else {
    std::snprintf(text, sizeof text, "g%03zu-p%02zu.bin", group, index);
  }
  return text;
}

void finish_group(Group& group, std::size_t index, std::uint64_t parity) {
  for (const Member& member : group.members) group.length = std::max(group.length, member.size);
  for (std::size_t p = 0; p < parity; ++p) group.parity.push_back({parity_name(index, p), {}});
}

// Temporary names of outputs that are being written: `.NAME.tmp.PID`.
bool is_temporary(const std::string& name) {
  return name.starts_with('.') && name.find(".tmp.") != std::string::npos;
}

// Reads, hashes and codes one column; every column is a task of its own.
void protect_column(const BlockFiles& files, Group& group, const Matrix& rows, std::uint64_t column,
                    const std::vector<std::unique_ptr<core::OutputFile>>& outputs) {
  core::check_stop();
  const std::uint64_t size = block_size(group.length, column);
  Column room(group.members.size() + group.parity.size(), size);
  for (std::size_t m = 0; m < group.members.size(); ++m) {
    Member& member = group.members[m];
    const std::uint64_t have = block_size(member.size, column);
    if (have == 0) continue;
    if (!files.read_member(member, column, room.block(m))) {
      throw core::environment_error(member.file + ": changed while it was read");
    }
    member.hashes[column] = core::xxh3_64(room.block(m), have);
  }
  room.code(rows, size);
  for (std::size_t p = 0; p < group.parity.size(); ++p) {
    std::uint8_t* const block = room.block(group.members.size() + p);
    group.parity[p].hashes[column] = core::xxh3_64(block, size);
    core::pwrite_fully(outputs[p]->fd(), reinterpret_cast<const char*>(block), size,
                       column * kBlock, outputs[p]->path());
  }
}

}  // namespace

void ProtectOptions::check_deadline() const {
  if (deadline && std::chrono::steady_clock::now() >= *deadline) {
    throw core::environment_error("the deadline has passed; nothing was written");
  }
}

Matrix Sidecar::rows() const {
  return code == "xor" ? xor_row(data) : cauchy_rows(data, parity);
}

std::vector<Sidecar::File> list_data_files(const std::string& folder) {
  std::vector<Sidecar::File> files;
  if (!fs::is_directory(folder)) throw core::environment_error(folder + ": no such folder");
  const auto enter = [](const std::string& name) { return name != kFolder && !is_temporary(name); };
  for (const auto& entry : list_files_below(folder, enter)) {
    if (is_temporary(entry.path().filename().string())) continue;
    files.push_back({entry.path().lexically_relative(folder).string(), entry.file_size()});
  }
  std::ranges::sort(files, {}, &Sidecar::File::name);
  return files;
}

Sidecar make_layout(std::vector<Sidecar::File> files, std::uint64_t data, std::uint64_t parity,
                    const std::string& code) {
  Sidecar sidecar{.data = data, .parity = parity, .code = code, .files = std::move(files)};
  if (sidecar.files.size() == 1) {
    const Sidecar::File& file = sidecar.files.front();
    const std::uint64_t stripe = (file.size + data - 1) / data;
    Group group;
    for (std::uint64_t k = 0; k < data; ++k) {
      const std::uint64_t offset = std::min(k * stripe, file.size);
      group.members.push_back({file.name, offset, std::min(stripe, file.size - offset), {}});
    }
    finish_group(group, 0, parity);
    sidecar.groups.push_back(std::move(group));
    return sidecar;
  }
  for (std::size_t first = 0; first < sidecar.files.size(); first += data) {
    Group group;
    for (std::size_t i = first; i < first + data; ++i) {
      group.members.emplace_back();
      if (i >= sidecar.files.size()) continue;
      group.members.back().file = sidecar.files[i].name;
      group.members.back().size = sidecar.files[i].size;
    }
    finish_group(group, sidecar.groups.size(), parity);
    sidecar.groups.push_back(std::move(group));
  }
  return sidecar;
}

bool has_parity(const std::string& folder) {
  std::error_code failed;
  return fs::exists(folder + '/' + kFolder, failed);
}

bool is_protected(const std::string& folder, const Sidecar& wanted, const ProtectOptions& options) {
  std::error_code failed;
  if (!fs::is_regular_file(sidecar_path(folder), failed)) return false;
  Sidecar found;
  try {
    found = load_sidecar(folder);
  } catch (const core::Error&) {
    return false;  // a damaged record protects nothing
  }
  const auto same_file = [](const Sidecar::File& a, const Sidecar::File& b) {
    return a.name == b.name && a.size == b.size;
  };
  if (found.data != wanted.data || found.parity != wanted.parity || found.code != wanted.code ||
      !std::ranges::equal(found.files, wanted.files, same_file)) {
    return false;
  }
  const BlockFiles files(folder);
  return std::ranges::all_of(found.groups, [&](const Group& group) {
    return bad_blocks(files, group, options.threads).count == 0;
  });
}

void protect_folder(const std::string& folder, Sidecar layout, const ProtectOptions& options) {
  const core::OutputFileOptions file_options{.sync = options.sync, .replace = true};
  core::OutputFolder target(folder + '/' + kFolder, file_options);
  const BlockFiles files(folder);
  const Matrix rows = layout.rows();
  for (Group& group : layout.groups) {
    for (Member& member : group.members) {
      member.hashes.resize((member.size + kBlock - 1) / kBlock);
    }
    std::vector<std::unique_ptr<core::OutputFile>> outputs;
    for (ParityFile& parity : group.parity) {
      parity.hashes.resize(group.columns());
      outputs.push_back(
          std::make_unique<core::OutputFile>(target.temporary() + '/' + parity.file, file_options));
    }
    core::parallel_for(group.columns(), options.threads, [&](std::uint64_t column) {
      options.check_deadline();
      protect_column(files, group, rows, column, outputs);
    });
    for (auto& output : outputs) output->commit();
  }
  core::OutputFile record(target.temporary() + '/' + kSidecar, file_options);
  record.write(sidecar_text(layout));
  record.commit();
  target.commit();
}

Sidecar load_sidecar(const std::string& folder) {
  const std::string path = sidecar_path(folder);
  return parse_sidecar(core::read_file(path, 1u << 30), path);
}

double survival(std::uint64_t data, std::uint64_t parity, double p) {
  const auto n = static_cast<double>(data + parity);
  double sum = 0;
  for (std::uint64_t lost = 0; lost <= parity; ++lost) {
    const auto i = static_cast<double>(lost);
    const double choose = std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1);
    sum += std::exp(choose) * std::pow(p, i) * std::pow(1 - p, n - i);
  }
  return std::min(sum, 1.0);
}

}  // namespace stateutils::ckpt::protect
