#include "bench/run/state_digests.hpp"

#include <algorithm>

namespace stateutils::bench {

void StateDigests::follow(const Store& store, Id base) {
  const bool same = &store == store_ && store.epoch() == epoch_;
  if (!same) rows_.clear();
  if (!same || base != base_) forget();
  store_ = &store;
  epoch_ = store.epoch();
  base_ = base;
}

void StateDigests::forget() {
  places_.clear();
  hexes_.clear();
  at_ = kNone;
}

std::string_view StateDigests::of(Id state) {
  if (state >= places_.size()) places_.resize(state + std::size_t{64}, 0);
  std::uint32_t& place = places_[state];
  if (place == 0) {
    step_to(state);
    const auto* bytes = reinterpret_cast<const char*>(sorted_.data());
    const core::Sha256Digest digest =
        core::sha256({bytes, sorted_.size() * sizeof(core::Sha256Digest)});
    static constexpr char kDigits[] = "0123456789abcdef";
    Hex& hex = hexes_.emplace_back();
    for (std::size_t i = 0; i < digest.size(); ++i) {
      hex[2 * i] = kDigits[digest[i] >> 4];
      hex[2 * i + 1] = kDigits[digest[i] & 15];
    }
    place = static_cast<std::uint32_t>(hexes_.size());
  }
  const Hex& hex = hexes_[place - 1];
  return {hex.data(), hex.size()};
}

// From the entries of one state to those of another: of two states in a row few rows differ.
void StateDigests::step_to(Id state) {
  static constexpr std::size_t kFew = 6;
  if (at_ != kNone) store_->compare(at_, state, changes_);
  if (at_ == kNone || changes_.size() > kFew) {
    store_->compare(base_, state, changes_);
    sorted_.clear();
    for (const Change& c : changes_) {
      sorted_.push_back(*entry(c.table, c.key, c.new_row, c.old_row));
    }
    std::sort(sorted_.begin(), sorted_.end());
  } else {
    for (const Change& c : changes_) replace(c);
  }
  at_ = state;
}

void StateDigests::replace(const Change& c) {
  const Id base_row = store_->find_row(base_, c.table, c.key);
  if (const auto* old = entry(c.table, c.key, c.old_row, base_row)) {
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), *old));
  }
  if (const auto* now = entry(c.table, c.key, c.new_row, base_row)) {
    sorted_.insert(std::lower_bound(sorted_.begin(), sorted_.end(), *now), *now);
  }
}

const core::Sha256Digest* StateDigests::entry(Id table, Id key, Id row, Id base_row) {
  if (row == base_row) return nullptr;
  if (row != kNone) return &row_digest(table, row);
  text_ = "[";
  append_json_string(text_, store_->info(table).name);
  text_ += ",{\"key\":";
  store_->atoms.write_json(key, text_);
  text_ += "},null]";
  gone_ = core::sha256(text_);
  return &gone_;
}

const core::Sha256Digest& StateDigests::row_digest(Id table, Id row) {
  if (row >= rows_.size()) rows_.resize(row + std::size_t{64});
  KnownRow& known = rows_[row];
  if (known.table != table) {
    text_ = "[";
    append_json_string(text_, store_->info(table).name);
    text_.push_back(',');
    store_->write_row(table, row, text_);
    text_.push_back(']');
    known = {table, core::sha256(text_)};
  }
  return known.digest;
}

}  // namespace stateutils::bench
