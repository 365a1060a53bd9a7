// The server's endpoints: JSON requests in, calls of a BusStore, JSON answers out.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dom.hpp"
#include "core/hash.hpp"
#include "core/json_writer.hpp"
#include "sbus/bus_store.hpp"
#include "sbus/http_server.hpp"
#include "sbus/turns.hpp"

namespace stateutils::sbus {

struct ApiOptions {
  bool admin = false;
  std::vector<std::string> tokens;   // none: everybody may call
  std::int64_t turn_ns = 5'000'000;  // see Turns
};

class BusApi final : public WebHandler {
 public:
  BusApi(BusStore& store, const ApiOptions& options);

  void answer(const WebRequest& request, WebAnswer& out) override;
  void refuse(int status, std::string_view detail, WebAnswer& out) override;
  [[nodiscard]] bool settle() override { return store_.settle(); }
  void take_woken(std::int64_t now, std::vector<std::uint64_t>& out) override {
    turns_.take_woken(now, out);
  }
  [[nodiscard]] bool has_waiting() const override { return turns_.has_waiting(); }

 private:
  struct Route;
  static std::span<const Route> routes();

  [[nodiscard]] bool authorized(std::string_view authorization) const;
  void dispatch(const WebRequest& request, std::string_view path, WebAnswer& out);
  // True when the store refused, and `out` says why.
  bool refused(const Refusal& why, WebAnswer& out);
  void put_sequence(WebAnswer& out);
  void do_commit(const WebRequest& request, WebAnswer& out, bool by_admin);

  void get_shard(std::string_view encoded_key, const WebRequest& request, WebAnswer& out);
  void create_shard(const WebRequest& request, WebAnswer& out);
  void list_shards(const WebRequest& request, WebAnswer& out);
  void commit(const WebRequest& request, WebAnswer& out) { do_commit(request, out, false); }
  void rollback(const WebRequest& request, WebAnswer& out);
  void session(const WebRequest& request, WebAnswer& out);
  void register_reads(const WebRequest& request, WebAnswer& out);
  void stats(const WebRequest& request, WebAnswer& out);
  void metrics(const WebRequest& request, WebAnswer& out);

  void admin_health(const WebRequest& request, WebAnswer& out);
  void admin_reset(const WebRequest& request, WebAnswer& out);
  void admin_get_config(const WebRequest& request, WebAnswer& out);
  void admin_set_config(const WebRequest& request, WebAnswer& out);
  void admin_delivery_log(const WebRequest& request, WebAnswer& out);
  void admin_inject_stale(const WebRequest& request, WebAnswer& out);
  void admin_shard(const WebRequest& request, WebAnswer& out);
  void admin_commit(const WebRequest& request, WebAnswer& out) { do_commit(request, out, true); }

  BusStore& store_;
  bool admin_;
  Turns turns_;
  std::vector<core::Sha256Digest> tokens_;
  simdjson::dom::parser parser_;
  std::vector<ReadItem> read_set_;
};

void put_shard(const ShardView& shard, WebAnswer& out);
// "2026-01-02T03:04:05.678901Z" of nanoseconds since the epoch.
[[nodiscard]] std::string utc_text(std::int64_t ns);

}  // namespace stateutils::sbus
