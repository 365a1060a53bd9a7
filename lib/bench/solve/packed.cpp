#include "bench/solve/packed.hpp"

#include <algorithm>
#include <bit>

namespace stateutils::bench {
namespace {

constexpr std::size_t kMaxActions = 1u << 16;

}  // namespace

// Turns a world into masks. Gives up (returns false) at the first thing that bits cannot say.
class PackedCompiler {
 public:
  PackedCompiler(const World& world, Store& store, Id initial)
      : world_(world), store_(store), initial_(initial) {}

  bool run(PackedSystem& out) {
    for (const Id row : store_.rows_of(initial_, Store::kConfig)) {
      add_value(store_.key_of(row), store_.value_of(row, store_.value_field(Store::kConfig)));
    }
    for (std::size_t v = 0; v < world_.verbs.size(); ++v) {
      if (world_.verbs[v].mutates() && !draft_verb(v)) return false;
    }
    if (!place_bits()) return false;
    for (const Draft& d : drafts_) {
      if (!finish(d)) return false;
    }
    out_.initial_state_ = initial_;
    for (const auto& v : out_.variables_) {
      out_.initial_ |= std::uint64_t{value_index(v, current(v.key))} << v.shift;
    }
    choose_selector();
    out = std::move(out_);
    return true;
  }

 private:
  struct DraftGuard {
    Id key;
    Condition condition;
    std::vector<Id> wanted;
  };
  struct Draft {
    Call call;
    std::vector<DraftGuard> guards;
    std::vector<std::pair<Id, Id>> set;  // key, value; kNone clears
  };

  [[nodiscard]] Id current(Id key) const {
    const Id row = store_.find_row(initial_, Store::kConfig, key);
    return row == kNone ? kNone : store_.value_of(row, store_.value_field(Store::kConfig));
  }

  std::size_t variable(Id key) {
    for (std::size_t i = 0; i < out_.variables_.size(); ++i) {
      if (out_.variables_[i].key == key) return i;
    }
    out_.variables_.push_back({key, 0, 0, {current(key)}});
    return out_.variables_.size() - 1;
  }

  void add_value(Id key, Id value) {
    auto& values = out_.variables_[variable(key)].values;
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }

  static std::size_t value_index(const PackedSystem::Variable& v, Id value) {
    return static_cast<std::size_t>(std::find(v.values.begin(), v.values.end(), value) -
                                    v.values.begin());
  }

  // The text of a template that depends on nothing but the call.
  bool constant(const Template& t, const Call& call, Id& out) {
    if (t.constant) return out = *t.constant, true;
    std::string text;
    for (const Piece& p : t.pieces) {
      Id atom = kNone;
      if (p.kind == PieceKind::kLiteral) atom = p.atom;
      if (p.kind == PieceKind::kParam) atom = call.args[p.param];
      if (atom == kNone) return false;
      if (t.pieces.size() == 1) return out = atom, true;
      text += store_.atoms.text(atom);
    }
    return out = store_.atoms.string(text), true;
  }

  // One draft per combination of arguments; only enums and truth values have few enough.
  bool draft_verb(std::size_t index) {
    const Verb& verb = world_.verbs[index];
    std::vector<std::vector<Id>> choices;
    std::size_t total = 1;
    for (const Param& p : verb.params) {
      std::vector<Id>& values = choices.emplace_back();
      if (p.optional) return false;
      if (p.type == ParamType::kEnum) {
        for (const std::string& v : p.values) values.push_back(store_.atoms.string(v));
      } else if (p.type == ParamType::kBool) {
        values = {store_.atoms.boolean(false), store_.atoms.boolean(true)};
      } else {
        return false;
      }
      total *= values.size();
      if (total > kMaxActions) return false;
    }
    for (std::size_t n = 0; n < total; ++n) {
      Call call{index, {}};
      std::size_t rest = n;
      for (const auto& values : choices) {
        call.args.push_back(values[rest % values.size()]);
        rest /= values.size();
      }
      if (drafts_.size() >= kMaxActions || !draft_call(std::move(call))) return false;
    }
    return true;
  }

  bool draft_call(Call call) {
    const Verb& verb = world_.verbs[call.verb];
    Draft d;
    for (const Guard& g : verb.guards) {
      DraftGuard guard{kNone, g.condition, {}};
      for (const Template& value : g.values) {
        if (!constant(value, call, guard.wanted.emplace_back())) return false;
      }
      if (g.path.kind == PieceKind::kParam) {
        const Id given = call.args[g.path.param];
        if (!condition_holds(store_.atoms, g.condition, given, guard.wanted)) return true;
        continue;
      }
      const bool config = g.path.kind == PieceKind::kCell && g.path.table == Store::kConfig;
      if (!config || !constant(*g.path.key, call, guard.key)) return false;
      (void)variable(guard.key);
      d.guards.push_back(std::move(guard));
    }
    for (const Effect& e : verb.effects) {
      if (!draft_effect(e, call, d)) return false;
    }
    for (const auto& [key, value] : d.set) add_value(key, value);
    d.call = std::move(call);
    drafts_.push_back(std::move(d));
    return true;
  }

  bool draft_effect(const Effect& e, const Call& call, Draft& d) {
    const bool possible =
        e.table == Store::kConfig && (e.op == EffectOp::kWrite || e.op == EffectOp::kClear);
    Id key = kNone, value = kNone;
    if (!possible || !constant(*e.key, call, key)) return false;
    if (e.op == EffectOp::kWrite && !constant(e.set.front().second, call, value)) return false;
    const auto earlier =
        std::find_if(d.set.begin(), d.set.end(), [&](const auto& s) { return s.first == key; });
    if (e.op == EffectOp::kClear) {
      // Clearing what is not there fails, so it is a guard too.
      if (earlier != d.set.end() && earlier->second == kNone) return false;
      if (earlier == d.set.end()) d.guards.push_back({key, Condition::kExists, {}});
    }
    if (earlier != d.set.end()) {
      earlier->second = value;
    } else {
      d.set.emplace_back(key, value);
    }
    return true;
  }

  bool place_bits() {
    unsigned shift = 0;
    for (auto& v : out_.variables_) {
      const auto bits = static_cast<unsigned>(std::bit_width(v.values.size() - 1));
      if (shift + bits > 64) return false;
      v.shift = shift < 64 ? shift : 0;  // a variable of one value has no bits
      v.mask = bits == 64 ? ~0ull : (1ull << bits) - 1;
      shift += bits;
    }
    return true;
  }

  bool finish(const Draft& d) {
    PackedSystem::Action a;
    for (const DraftGuard& g : d.guards) {
      const auto& v = out_.variables_[variable(g.key)];
      std::vector<bool> allowed;
      for (const Id value : v.values) {
        allowed.push_back(condition_holds(store_.atoms, g.condition, value, g.wanted));
      }
      const auto ways = std::count(allowed.begin(), allowed.end(), true);
      if (ways == 0) return true;  // never possible
      if (ways == static_cast<std::ptrdiff_t>(allowed.size())) continue;
      if (ways > 1) {
        a.filters.push_back({v.shift, v.mask, std::move(allowed)});
        continue;
      }
      const auto only = static_cast<std::uint64_t>(std::find(allowed.begin(), allowed.end(), true) -
                                                   allowed.begin());
      const std::uint64_t mask = v.mask << v.shift, bits = only << v.shift;
      if ((a.guard_mask & mask) == mask && (a.guard & mask) != bits) return true;
      a.guard_mask |= mask;
      a.guard |= bits;
    }
    for (const auto& [key, value] : d.set) {
      const auto& v = out_.variables_[variable(key)];
      a.clear |= v.mask << v.shift;
      a.set |= std::uint64_t{value_index(v, value)} << v.shift;
    }
    a.call = d.call;
    out_.actions_.push_back(std::move(a));
    return true;
  }

  // The variable that most guards fix (the page, say) picks the list of actions to try.
  void choose_selector() {
    std::size_t best = 0;
    for (const auto& v : out_.variables_) {
      const std::uint64_t mask = v.mask << v.shift;
      const auto fixed = static_cast<std::size_t>(
          std::count_if(out_.actions_.begin(), out_.actions_.end(),
                        [&](const auto& a) { return mask != 0 && (a.guard_mask & mask) == mask; }));
      if (fixed <= best || v.values.size() > 4096) continue;
      best = fixed;
      out_.selector_shift_ = v.shift;
      out_.selector_mask_ = v.mask;
    }
    out_.by_selector_.resize(out_.selector_mask_ + 1);
    const std::uint64_t mask = out_.selector_mask_ << out_.selector_shift_;
    for (std::uint64_t value = 0; value <= out_.selector_mask_; ++value) {
      for (std::uint32_t i = 0; i < out_.actions_.size(); ++i) {
        const auto& a = out_.actions_[i];
        const bool fixed = (a.guard_mask & mask) == mask && mask != 0;
        if (fixed && ((a.guard & mask) >> out_.selector_shift_) != value) continue;
        out_.by_selector_[value].push_back(
            {a.guard_mask, a.guard, a.clear, a.set, i, !a.filters.empty()});
      }
    }
  }

  const World& world_;
  Store& store_;
  Id initial_;
  PackedSystem out_;
  std::vector<Draft> drafts_;
};

std::optional<PackedSystem> PackedSystem::compile(const World& world, Store& store, Id initial) {
  PackedSystem out;
  if (!PackedCompiler(world, store, initial).run(out)) return {};
  return out;
}

bool PackedSystem::passes(std::uint32_t action, std::uint64_t state) const {
  const auto& filters = actions_[action].filters;
  return std::all_of(filters.begin(), filters.end(),
                     [&](const Filter& f) { return f.allowed[(state >> f.shift) & f.mask]; });
}

double PackedSystem::most_ways_back() const {
  double most = 1;
  for (const Action& a : actions_) {
    double ways = 1;
    for (const Variable& v : variables_) {
      const std::uint64_t open = (v.mask << v.shift) & a.clear & ~a.guard_mask;
      if (open != 0) ways *= static_cast<double>(v.values.size());
    }
    most = std::max(most, ways);
  }
  return most;
}

Id PackedSystem::unpack(std::uint64_t state, Store& store) const {
  Id out = initial_state_;
  for (const Variable& v : variables_) {
    const Id value = v.values[(state >> v.shift) & v.mask];
    const Id row = store.find_row(out, Store::kConfig, v.key);
    if (value == kNone) {
      if (row != kNone) out = store.without_row(out, Store::kConfig, v.key);
    } else {
      const Id wanted = store.row(v.key, {{store.value_field(Store::kConfig), value}});
      if (row != wanted) out = store.with_row(out, Store::kConfig, wanted);
    }
  }
  return out;
}

bool PackedSystem::knows(Id key) const {
  return std::any_of(variables_.begin(), variables_.end(),
                     [&](const Variable& v) { return v.key == key; });
}

bool PackedSystem::equality(Id key, Id value, const Store& store, std::uint64_t& mask,
                            std::uint64_t& bits) const {
  for (const Variable& v : variables_) {
    if (v.key != key) continue;
    const Id wanted = value == kNone ? kNone : store.atoms.as_any(value);
    for (std::size_t i = 0; i < v.values.size(); ++i) {
      const Id have = v.values[i] == kNone ? kNone : store.atoms.as_any(v.values[i]);
      if (have != wanted) continue;
      mask = v.mask << v.shift;
      bits = std::uint64_t{i} << v.shift;
      return true;
    }
    return false;
  }
  mask = bits = 0;
  return value == kNone;
}

}  // namespace stateutils::bench
