#include "kv/hardware.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/json.hpp"
#include "core/units.hpp"

namespace stateutils::kv {
namespace {

// The entries of "KEY" in KEY.json.
template <class Entry, class Read>
std::vector<Entry> read_table(const std::string& key, Read read) {
  const std::string file = installed_file(key + ".json");
  const nlohmann::json document = core::load_json(file);
  Fields root(&document, file);
  std::vector<Entry> table;
  for (Fields& fields : root.objects(key)) {
    Entry& entry = table.emplace_back();
    entry.name = fields.text("name", "");
    read(fields, entry);
    fields.end();
  }
  root.end();
  return table;
}

template <class Entry>
std::optional<Entry> find_named(const std::vector<Entry>& table, const std::string& name) {
  const auto found = std::ranges::find(table, name, &Entry::name);
  return found == table.end() ? std::nullopt : std::optional<Entry>(*found);
}

}  // namespace

std::string installed_file(const std::string& name) {
  std::error_code none;
  const auto binary = std::filesystem::read_symlink("/proc/self/exe", none);
  return (binary.parent_path().parent_path() / "share/stateutils" / name).string();
}

void read_shape(Fields& fields, ModelShape& shape) {
  const auto count = [&fields](const char* key, std::uint64_t otherwise, std::uint64_t most) {
    return static_cast<std::uint32_t>(fields.count(key, otherwise, 1, most));
  };
  shape.layers = count("layers", 0, 10000);
  shape.hidden = count("hidden", 0, 1 << 20);
  shape.heads = count("heads", 0, 1 << 16);
  shape.kv_heads = count("kv_heads", shape.heads, 1 << 16);
  shape.head_dim = count("head_dim", shape.heads == 0 ? 0 : shape.hidden / shape.heads, 1 << 16);
  shape.ffn = count("ffn", 0, 1 << 24);
  shape.vocab = count("vocab", 0, 1 << 26);
  shape.gated = fields.flag("gated", true);
  shape.experts = count("experts", 1, 1 << 16);
  shape.experts_active = count("experts_active", shape.experts, 1 << 16);
  shape.dtype_bytes = count("dtype_bytes", 2, 8);
}

void read_figures(Fields& fields, Device& device) {
  device.peak_flops = fields.number("peak_flops", device.peak_flops, 0, 1e21);
  device.hbm_bytes_s = fields.rate("hbm", device.hbm_bytes_s);
  device.link_bytes_s = fields.rate("link", device.link_bytes_s);
  device.e_c = fields.number("e_c", device.e_c, 0.001, 1);
  device.e_m = fields.number("e_m", device.e_m, 0.001, 1);
  device.overhead_s = fields.seconds("overhead", device.overhead_s);
  device.hop_s = fields.seconds("hop", device.hop_s);
  device.tdp_w = fields.number("tdp_w", device.tdp_w, 0, 1e6);
  device.idle_w = fields.number("idle_w", device.idle_w, 0, 1e6);
  device.price_h = fields.number("price_h", device.price_h, 0, 1e6);
  if (!fields.has("memory")) return;
  const auto bytes = core::parse_size(fields.text("memory", ""));
  if (!bytes) {
    throw core::usage_error("config: " + core::quoted(fields.at("memory")) + " is no size (80GiB)");
  }
  device.memory_bytes = bytes->bytes;
}

const std::vector<ModelShape>& model_table() {
  static const auto table = read_table<ModelShape>("models", read_shape);
  return table;
}

const std::vector<Device>& device_table() {
  static const auto table = read_table<Device>("devices", read_figures);
  return table;
}

std::optional<ModelShape> find_model(const std::string& name) {
  return find_named(model_table(), name);
}

std::optional<Device> find_device(const std::string& name) {
  return find_named(device_table(), name);
}

}  // namespace stateutils::kv
