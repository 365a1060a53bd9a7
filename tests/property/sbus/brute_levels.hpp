// Small register histories and what is true of them by trying every order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "sbus/txn_check.hpp"

namespace stateutils::sbus::brute {

constexpr std::uint32_t kInit = UINT32_MAX;

struct Read {
  std::uint32_t txn, key, writer, position;
};

// A register history with at most one write of a key per transaction; every read names a write.
struct Small {
  TxnHistory history;
  std::vector<Read> reads;
  std::vector<std::vector<bool>> writes;  // [txn][key]
  std::size_t n = 0, keys = 0;
};

inline Small random_history(std::mt19937& random) {
  const auto below = [&](std::size_t k) { return static_cast<std::uint32_t>(random() % k); };
  Small s;
  s.n = 2 + below(4);
  s.keys = 1 + below(3);
  s.writes.assign(s.n, std::vector<bool>(s.keys));
  std::vector<std::vector<std::uint32_t>> writers(s.keys);
  for (std::uint32_t k = 0; k < s.keys; ++k) (void)s.history.keys.number("k" + std::to_string(k));
  const auto value = [&](std::uint32_t t) {
    return s.history.values.number("v" + std::to_string(t));
  };
  for (std::uint32_t t = 0; t < s.n; ++t) {
    for (std::uint32_t k = 0; k < s.keys; ++k) {
      if (below(2) == 0) continue;
      s.writes[t][k] = true;
      writers[k].push_back(t);
    }
  }
  const std::size_t sessions = 1 + below(3);
  for (std::uint32_t t = 0; t < s.n; ++t) {
    Txn txn;
    txn.session = below(sessions);
    std::uint32_t position = 0;
    for (std::size_t r = below(4); r > 0; --r) {
      const std::uint32_t k = below(s.keys);
      std::vector<std::uint32_t> from{kInit};
      for (const std::uint32_t w : writers[k]) {
        if (w != t) from.push_back(w);
      }
      const std::uint32_t writer = from[below(from.size())];
      TxnOp op;
      op.key = k;
      op.value = writer == kInit ? TxnHistory::kInitial : value(writer);
      txn.ops.push_back(op);
      s.reads.push_back({t, k, writer, position++});
    }
    for (std::uint32_t k = 0; k < s.keys; ++k) {
      if (!s.writes[t][k]) continue;
      TxnOp op;
      op.kind = TxnOp::Kind::kWrite;
      op.key = k;
      op.value = value(t);
      txn.ops.push_back(op);
    }
    s.history.ops += txn.ops.size();
    s.history.txns.push_back(std::move(txn));
  }
  return s;
}

// The axioms of Biswas and Enea as they are written, tried with every total order.
struct Brute {
  const Small& s;
  std::vector<std::vector<bool>> so, wr, hb;

  explicit Brute(const Small& small) : s(small) {
    so = wr = hb = std::vector<std::vector<bool>>(s.n, std::vector<bool>(s.n));
    for (std::size_t a = 0; a < s.n; ++a) {
      for (std::size_t b = a + 1; b < s.n; ++b) {
        so[a][b] = s.history.txns[a].session == s.history.txns[b].session;
      }
    }
    for (const Read& read : s.reads) {
      if (read.writer != kInit) wr[read.writer][read.txn] = true;
    }
    for (std::size_t a = 0; a < s.n; ++a) {
      for (std::size_t b = 0; b < s.n; ++b) hb[a][b] = so[a][b] || wr[a][b];
    }
    for (std::size_t k = 0; k < s.n; ++k) {
      for (std::size_t a = 0; a < s.n; ++a) {
        for (std::size_t b = 0; b < s.n; ++b) {
          if (hb[a][k] && hb[k][b]) hb[a][b] = true;
        }
      }
    }
  }
  [[nodiscard]] bool any(const std::function<bool(std::size_t)>& test) const {
    for (std::size_t i = 0; i < s.n; ++i) {
      if (test(i)) return true;
    }
    return false;
  }
  // Whether t2 must come before what t3 read, by the level's axiom.
  [[nodiscard]] bool related(Level level, std::size_t t2, const Read& read,
                             const std::vector<std::size_t>& at, bool sessions) const {
    const std::size_t t3 = read.txn;
    const auto before = [&](std::size_t a, std::size_t b) {
      return (sessions && so[a][b]) || wr[a][b];
    };
    const auto so_star = [&](std::size_t a, std::size_t b) { return a == b || so[a][b]; };
    switch (level) {
      case Level::kRc:
        return std::any_of(s.reads.begin(), s.reads.end(), [&](const Read& r) {
          return r.txn == t3 && r.position < read.position && r.writer == t2;
        });
      case Level::kRa:
        return so[t2][t3] || wr[t2][t3];
      case Level::kCc:
        return hb[t2][t3];
      case Level::kRyw:
        return so[t2][t3];
      case Level::kMr:
        return any([&](std::size_t t) { return wr[t2][t] && so[t][t3]; });
      case Level::kMw:
        return any([&](std::size_t t) {
          return so[t2][t] && any([&](std::size_t u) { return wr[t][u] && so_star(u, t3); });
        });
      case Level::kWfr:
        return any([&](std::size_t r) {
          return wr[t2][r] && any([&](std::size_t t) {
                   return so[r][t] &&
                          any([&](std::size_t u) { return wr[t][u] && so_star(u, t3); });
                 });
        });
      case Level::kPc:
      case Level::kSi: {
        const bool prefix =
            any([&](std::size_t t) { return (t == t2 || at[t2] < at[t]) && before(t, t3); });
        if (prefix || level == Level::kPc) return prefix;
        return any([&](std::size_t t4) {  // Conflict
          if (t4 == t3 || !(t4 == t2 || at[t2] < at[t4]) || at[t4] > at[t3]) return false;
          for (std::size_t y = 0; y < s.keys; ++y) {
            if (s.writes[t4][y] && s.writes[t3][y]) return true;
          }
          return false;
        });
      }
      default:
        return at[t2] < at[t3];
    }
  }
  [[nodiscard]] bool holds(Level level, bool with_sessions) const {
    const bool sessions = level <= Level::kPc || with_sessions;
    std::vector<std::size_t> at(s.n);
    std::iota(at.begin(), at.end(), 0);
    do {
      bool good = true;
      for (std::size_t a = 0; a < s.n && good; ++a) {
        for (std::size_t b = 0; b < s.n && good; ++b) {
          good = !(((sessions && so[a][b]) || wr[a][b]) && at[a] > at[b]);
        }
      }
      for (const Read& read : s.reads) {
        for (std::size_t t2 = 0; t2 < s.n && good; ++t2) {
          if (!s.writes[t2][read.key] || t2 == read.writer || t2 == read.txn) continue;
          if (!related(level, t2, read, at, sessions)) continue;
          good = read.writer != kInit && at[t2] < at[read.writer];
        }
      }
      if (good) return true;
    } while (std::next_permutation(at.begin(), at.end()));
    return false;
  }
};

}  // namespace stateutils::sbus::brute
