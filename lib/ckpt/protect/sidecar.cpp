#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "ckpt/protect/parity.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"

namespace stateutils::ckpt::protect {
namespace {

void write_hashes(core::JsonWriter& writer, const std::vector<std::uint64_t>& hashes) {
  writer.key("xxh3").begin_array();
  for (const std::uint64_t hash : hashes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    char text[16];
    for (int i = 0; i < 16; ++i) text[i] = kDigits[(hash >> (60 - 4 * i)) & 15];
    writer.value(std::string_view(text, 16));
  }
  writer.end_array();
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  [[nodiscard]] core::Error wrong(const std::string& what) const {
    return core::input_error({path_}, what);
  }
  const nlohmann::json& field(const nlohmann::json& object, const char* key) const {
    if (!object.is_object() || !object.contains(key)) throw wrong(std::string("lacks ") + key);
    return object.at(key);
  }
  const nlohmann::json& list(const nlohmann::json& object, const char* key) const {
    const nlohmann::json& value = field(object, key);
    if (!value.is_array()) throw wrong(std::string(key) + " is no list");
    return value;
  }
  std::uint64_t number(const nlohmann::json& object, const char* key) const {
    const nlohmann::json& value = field(object, key);
    if (!value.is_number_unsigned()) throw wrong(std::string(key) + " is no size");
    return value.get<std::uint64_t>();
  }
  std::string text(const nlohmann::json& object, const char* key) const {
    const nlohmann::json& value = field(object, key);
    if (!value.is_string()) throw wrong(std::string(key) + " is no string");
    return value.get<std::string>();
  }
  std::vector<std::uint64_t> hashes(const nlohmann::json& object, std::uint64_t bytes) const {
    const nlohmann::json& values = list(object, "xxh3");
    if (values.size() != (bytes + kBlock - 1) / kBlock) throw wrong("a list of hashes is cut");
    std::vector<std::uint64_t> hashes;
    for (const nlohmann::json& value : values) hashes.push_back(hash(value));
    return hashes;
  }

 private:
  [[nodiscard]] std::uint64_t hash(const nlohmann::json& value) const {
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    if (text.size() != 16 || text.find_first_not_of("0123456789abcdef") != std::string::npos) {
      throw wrong("a hash is not 16 hexadecimal digits");
    }
    return std::stoull(text, nullptr, 16);
  }

  const std::string& path_;
};

bool is_safe_name(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\0') != std::string::npos) return false;
  std::size_t at = 0;
  while (at <= name.size()) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

// The layout follows from the file list alone; the document must agree with it.
void check_layout(const Reader& in, const nlohmann::json& document, Sidecar& sidecar) {
  const nlohmann::json& groups = in.list(document, "groups");
  if (groups.size() != sidecar.groups.size()) throw in.wrong("groups that do not fit the files");
  for (std::size_t g = 0; g < groups.size(); ++g) {
    Group& group = sidecar.groups[g];
    const nlohmann::json &members = in.list(groups[g], "members"),
                         &parity = in.list(groups[g], "parity");
    if (in.number(groups[g], "length") != group.length || members.size() != group.members.size() ||
        parity.size() != group.parity.size()) {
      throw in.wrong("a group that does not fit the files");
    }
    for (std::size_t m = 0; m < members.size(); ++m) {
      Member& member = group.members[m];
      if (in.text(members[m], "file") != member.file ||
          in.number(members[m], "offset") != member.offset ||
          in.number(members[m], "size") != member.size) {
        throw in.wrong("a member that does not fit the files");
      }
      member.hashes = in.hashes(members[m], member.size);
    }
    for (std::size_t p = 0; p < parity.size(); ++p) {
      if (in.text(parity[p], "file") != group.parity[p].file)
        throw in.wrong("a parity file's name");
      group.parity[p].hashes = in.hashes(parity[p], group.length);
    }
  }
}

}  // namespace

std::string sidecar_text(const Sidecar& sidecar) {
  std::string text;
  core::JsonWriter writer(text);
  writer.begin_object().field("format", "stateutils.protect").field("version", 1);
  writer.field("data", sidecar.data).field("parity", sidecar.parity).field("code", sidecar.code);
  writer.field("block", kBlock).key("matrix").begin_array();
  const Matrix rows = sidecar.rows();
  for (std::size_t r = 0; r < rows.rows; ++r) {
    writer.begin_array();
    for (std::size_t c = 0; c < rows.columns; ++c) writer.value(unsigned{rows.at(r, c)});
    writer.end_array();
  }
  writer.end_array().key("files").begin_array();
  for (const Sidecar::File& file : sidecar.files) {
    writer.begin_object().field("name", file.name).field("size", file.size).end_object();
  }
  writer.end_array().key("groups").begin_array();
  for (const Group& group : sidecar.groups) {
    writer.begin_object().field("length", group.length).key("members").begin_array();
    for (const Member& member : group.members) {
      writer.begin_object().field("file", member.file).field("offset", member.offset);
      writer.field("size", member.size);
      write_hashes(writer, member.hashes);
      writer.end_object();
    }
    writer.end_array().key("parity").begin_array();
    for (const ParityFile& parity : group.parity) {
      writer.begin_object().field("file", parity.file);
      write_hashes(writer, parity.hashes);
      writer.end_object();
    }
    writer.end_array().end_object();
  }
  writer.end_array().end_object();
  return text + '\n';
}

Sidecar parse_sidecar(const std::string& text, const std::string& path) {
  const Reader in(path);
  const nlohmann::json document = core::parse_json(text, path);
  if (in.text(document, "format") != "stateutils.protect" || in.number(document, "version") != 1) {
    throw in.wrong("not a version 1 protection record");
  }
  const std::uint64_t data = in.number(document, "data"), parity = in.number(document, "parity");
  const std::string code = in.text(document, "code");
  if (data < 1 || parity < 1 || data > kMaxMembers || parity > kMaxMembers - data ||
      (code != "rs" && (code != "xor" || parity != 1)) || in.number(document, "block") != kBlock) {
    throw in.wrong("a code that does not exist");
  }
  std::vector<Sidecar::File> files;
  std::set<std::string> names;
  for (const nlohmann::json& file : in.list(document, "files")) {
    files.push_back({in.text(file, "name"), in.number(file, "size")});
    if (!is_safe_name(files.back().name)) {
      throw in.wrong("file name " + core::quoted(files.back().name) + " leaves the folder");
    }
    if (!names.insert(files.back().name).second) {
      throw in.wrong("file " + core::quoted(files.back().name) + " appears twice");
    }
    if (files.back().size > (std::uint64_t{1} << 60)) throw in.wrong("a file of impossible size");
  }
  if (files.empty()) throw in.wrong("no files");
  Sidecar sidecar = make_layout(std::move(files), data, parity, code);
  check_layout(in, document, sidecar);
  return sidecar;
}

}  // namespace stateutils::ckpt::protect
