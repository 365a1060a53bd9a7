// Erasure coding of a folder's files: K data members and M parity files a group, coded in columns
// of 1 MiB, each block with its hash, so that any M bad blocks of a column can be made again.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/protect/gf256.hpp"

namespace stateutils::ckpt::protect {

inline constexpr std::uint64_t kBlock = 1u << 20;
inline constexpr const char* kFolder = ".parity";
inline constexpr const char* kSidecar = "protect.json";
inline constexpr std::size_t kMaxMembers = 255;

// A byte range of a file below the folder: a whole file, or a stripe of the only one.
struct Member {
  std::string file{};
  std::uint64_t offset = 0, size = 0;
  std::vector<std::uint64_t> hashes{};  // XXH3-64 of each block of [offset, offset + size)
};
struct ParityFile {
  std::string file{};  // in the parity folder
  std::vector<std::uint64_t> hashes{};
};
struct Group {
  std::uint64_t length = 0;  // of the longest member, and of the parity files; others: zeros follow
  std::vector<Member> members{};  // K; the last group's may be empty (no name)
  std::vector<ParityFile> parity{};
  [[nodiscard]] std::uint64_t columns() const { return (length + kBlock - 1) / kBlock; }
};
struct Sidecar {
  std::uint64_t data = 0, parity = 0;
  std::string code = "rs";  // or "xor"
  struct File {
    std::string name{};
    std::uint64_t size = 0;
  };
  std::vector<File> files{};
  std::vector<Group> groups{};
  [[nodiscard]] Matrix rows() const;
};

[[nodiscard]] std::string sidecar_text(const Sidecar& sidecar);
// Checks every size and name before it is used; kInput naming `path`.
[[nodiscard]] Sidecar parse_sidecar(const std::string& text, const std::string& path);

// Data files below `folder` with their sizes, names in byte order; the parity folder and temporary
// files are left out.
[[nodiscard]] std::vector<Sidecar::File> list_data_files(const std::string& folder);
// Cuts the files into groups: one file into K stripes, more into K files a group.
[[nodiscard]] Sidecar make_layout(std::vector<Sidecar::File> files, std::uint64_t data,
                                  std::uint64_t parity, const std::string& code);

struct Damage {
  std::uint64_t blocks = 0;          // bad or missing
  std::vector<std::string> files{};  // that hold them; parity files by their place in the folder
  std::uint64_t lost_columns = 0;    // with more bad blocks than parity
};

struct ProtectOptions {
  int threads = 1;
  bool sync = true;
  bool dry_run = false;  // repair_folder() only looks
  std::optional<std::chrono::steady_clock::time_point> deadline{};
  // kEnvironment when it has passed.
  void check_deadline() const;
};

[[nodiscard]] bool has_parity(const std::string& folder);
// Whether the folder's parity is there, covers exactly its files with this code, and every hash
// fits.
[[nodiscard]] bool is_protected(const std::string& folder, const Sidecar& wanted,
                                const ProtectOptions& options);
// Writes the parity folder (an old one is replaced).
void protect_folder(const std::string& folder, Sidecar layout, const ProtectOptions& options);

[[nodiscard]] Sidecar load_sidecar(const std::string& folder);
// Finds bad blocks and, unless a column has lost more than it can, makes the damaged files again,
// each whole or not at all. With `lost_columns` > 0 nothing is written.
Damage repair_folder(const std::string& folder, const ProtectOptions& options);

// P(at most M of K + M independent losses), each of probability p.
[[nodiscard]] double survival(std::uint64_t data, std::uint64_t parity, double p);

}  // namespace stateutils::ckpt::protect
