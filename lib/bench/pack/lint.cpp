#include "bench/pack/lint.hpp"

#include <algorithm>
#include <set>

namespace stateutils::bench {
namespace {

class Linter {
 public:
  Linter(const Pack& pack, Store& store) : pack_(pack), store_(store) {}

  std::vector<LintFinding> run() {
    const World& world = pack_.world;
    if (world.verbs.empty()) error("world", "has no verbs");
    for (const Verb& verb : world.verbs) {
      roles(verb);
      guards(verb);
      unused_params(verb);
    }
    unread_tables();
    unused_zones();
    scenarios();
    return std::move(findings_);
  }

 private:
  void error(const std::string& place, const std::string& message) {
    findings_.push_back({true, place, message});
  }
  void warn(const std::string& place, const std::string& message) {
    findings_.push_back({false, place, message});
  }

  void roles(const Verb& verb) {
    if (!verb.mutates()) return;
    for (const Param& p : verb.params) {
      if (p.role == Role::kUnset) error(verb.name, p.flag + " of a verb that writes has no role");
    }
  }

  // A guard is dead when nothing can ever change whether it holds: nobody writes what it looks at.
  void guards(const Verb& verb) {
    for (const Guard& g : verb.guards) {
      if (g.path.kind == PieceKind::kParam) continue;
      if (!written(g.path.table) && !preset(g.path.table)) {
        warn(verb.name, "dead guard: nothing ever fills what " + g.text + " looks at");
      }
      for (const Effect& own : verb.effects) {
        const bool only = own.table == g.path.table && own.op == EffectOp::kInsert &&
                          writers(g.path.table) == 1 && !preset(g.path.table);
        if (only)
          error(verb.name, "unreachable: its guard waits for what only the verb itself makes");
      }
    }
  }

  [[nodiscard]] std::size_t writers(Id table) const {
    return static_cast<std::size_t>(
        std::count_if(pack_.world.verbs.begin(), pack_.world.verbs.end(), [&](const Verb& v) {
          return std::any_of(v.effects.begin(), v.effects.end(), [&](const Effect& e) {
            return e.table == table && e.op != EffectOp::kDelete && e.op != EffectOp::kClear;
          });
        }));
  }
  [[nodiscard]] bool written(Id table) const { return writers(table) > 0; }

  [[nodiscard]] bool preset(Id table) const {
    const std::string& name = store_.info(table).name;
    if (pack_.base_json.find("\"" + name + "\":") != std::string::npos) return true;
    const auto in = [&](const std::vector<InitItem>& items) {
      return std::any_of(items.begin(), items.end(),
                         [&](const InitItem& i) { return i.table == name; });
    };
    if (in(pack_.noise)) return true;
    for (const Scenario& s : pack_.scenarios) {
      if (in(s.common.init)) return true;
      for (const Branch& b : s.branches) {
        for (const Part& p : b.parts) {
          if (in(p.init)) return true;
        }
      }
    }
    return false;
  }

  void unused_params(const Verb& verb) {
    std::set<std::size_t> used;
    const auto see = [&](const auto& self, const Template& t) -> void {
      for (const Piece& p : t.pieces) {
        if (p.kind == PieceKind::kParam) used.insert(p.param);
        if (p.key) self(self, *p.key);
      }
    };
    see(see, verb.out);
    for (const auto& [field, t] : verb.where) see(see, t);
    for (const Guard& g : verb.guards) {
      if (g.path.kind == PieceKind::kParam) used.insert(g.path.param);
      if (g.path.key) see(see, *g.path.key);
      for (const Template& t : g.values) see(see, t);
    }
    for (const Effect& e : verb.effects) {
      if (e.key) see(see, *e.key);
      for (const auto& [field, t] : e.set) see(see, t);
      for (const auto& [field, t] : e.where) see(see, t);
    }
    for (std::size_t p = 0; p < verb.params.size(); ++p) {
      if (!used.contains(p)) warn(verb.name, verb.params[p].flag + " is never used");
    }
  }

  // State that no verb prints cannot be inspected: a task about it could not be solved.
  void unread_tables() {
    for (Id t = 0; t < store_.table_count(); ++t) {
      if (store_.info(t).journal || !(written(t) || preset(t))) continue;
      const bool read =
          std::any_of(pack_.world.verbs.begin(), pack_.world.verbs.end(), [&](const Verb& v) {
            return std::any_of(v.out.pieces.begin(), v.out.pieces.end(),
                               [&](const Piece& p) { return p.table == t; });
          });
      if (!read) warn(store_.info(t).name, "no verb reads this table");
    }
  }

  void scenarios() {
    static constexpr std::string_view kTelling[] = {
        "existing", "wrong", "stale", "decoy", "blocker", "conflicting", "duplicate", "partial"};
    for (const Scenario& s : pack_.scenarios) {
      if (s.twins.empty() && s.branches.size() > 1) warn(s.slug, "its branches form no twin pair");
      for (const SlotText& text : s.instruction) {
        for (const SlotText::Piece& p : text.pieces) {
          for (const std::string_view word : kTelling) {
            if (p.literal.find(word) != std::string::npos) {
              warn(s.slug, "the instruction gives the kind away: " + std::string(word));
            }
          }
        }
      }
      const bool asks = !s.common.require.empty() || s.common.answer || s.common.alternatives ||
                        std::any_of(s.branches.begin(), s.branches.end(), [](const Branch& b) {
                          return std::any_of(b.parts.begin(), b.parts.end(), [](const Part& p) {
                            return !p.require.empty() || p.answer || p.alternatives;
                          });
                        });
      if (!asks) error(s.slug, "its contract asks for nothing");
      for (const Slot& slot : s.slots) {
        const auto likes = std::count_if(s.slots.begin(), s.slots.end(), [&](const Slot& o) {
          return o.like >= 0 && &s.slots[static_cast<std::size_t>(o.like)] == &slot;
        });
        if (!slot.from.empty() && static_cast<std::size_t>(likes) + 1 > slot.from.size()) {
          error(s.slug,
                "slot " + slot.name + " has too few values for all that must differ from it");
        }
      }
    }
  }

  // Zones that a slot's field names could be any.
  void unused_zones() {
    for (const std::string& zone : pack_.zones.names()) {
      const bool used = std::any_of(pack_.holes.begin(), pack_.holes.end(), [&](const Hole& h) {
        const bool local = h.field.starts_with(kLocal);
        return local && (h.field.substr(kLocal.size()) == zone ||
                         h.field.find('.', kLocal.size()) != std::string::npos);
      });
      if (!used) warn("zones", "no text asks for local times of " + zone);
    }
  }

  const Pack& pack_;
  Store& store_;
  std::vector<LintFinding> findings_;
};

}  // namespace

std::vector<LintFinding> lint(const Pack& pack, Store& store) {
  return Linter(pack, store).run();
}

}  // namespace stateutils::bench
