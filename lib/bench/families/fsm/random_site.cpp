#include <algorithm>

#include "bench/families/fsm/fsm_model.hpp"

namespace stateutils::bench {
namespace {

constexpr const char* kPages[] = {"home",    "search",  "results", "item",   "reviews", "cart",
                                  "address", "payment", "summary", "orders", "account", "offers",
                                  "help",    "brands",  "stores",  "wishes"};
constexpr const char* kGates[] = {"consent", "login", "age_check", "newsletter"};
constexpr const char* kFilters[] = {"any", "small", "medium", "large"};

class SiteMaker {
 public:
  SiteMaker(const RandomSite& options, core::Rng& rng) : options_(options), rng_(rng) {}

  FsmModel make() {
    const std::size_t pages = static_cast<std::size_t>(options_.pages);
    for (std::size_t i = 0; i < pages; ++i) {
      std::string name = kPages[i % std::size(kPages)];
      if (i >= std::size(kPages)) name += std::to_string(i / std::size(kPages) + 1);
      model_.places.push_back(std::move(name));
    }
    for (std::size_t i = pages; i-- > 1;) {
      std::swap(model_.places[i], model_.places[rng_.below(i + 1)]);
    }
    model_.name = "site";
    model_.initial["page"] = text(model_.places.front());
    // The way: `steps` are page turns, gates to open on it, and one filter.
    const auto spread = static_cast<std::uint64_t>(options_.max_steps - options_.min_steps + 1);
    const std::size_t steps = static_cast<std::size_t>(options_.min_steps) + rng_.below(spread);
    const std::size_t gates = std::min<std::size_t>({steps / 4, std::size(kGates), pages - 1});
    const std::size_t turns = std::clamp<std::size_t>(steps - gates - 1, 1, pages - 1);
    model_.goals.push_back(model_.places[turns]);
    add_filter(rng_.below(turns));
    for (std::size_t g = 0; g < gates; ++g) add_gate(g, turns);
    for (std::size_t p = 0; p < pages; ++p) add_links(p, turns);
    return std::move(model_);
  }

 private:
  static std::string text(const std::string& word) { return "\"" + word + "\""; }

  FsmAction& action(const std::string& command, std::size_t page) {
    FsmAction& a = model_.actions.emplace_back();
    a.command = command + " " + model_.places[page];
    a.guards.push_back({"page", "eq", text(model_.places[page])});
    return a;
  }

  // A filter to choose on one page; the last page of the way opens with one choice only.
  void add_filter(std::size_t page) {
    model_.initial["filter"] = text(kFilters[0]);
    wanted_filter_ = 1 + rng_.below(std::size(kFilters) - 1);
    for (std::size_t f = 0; f < std::size(kFilters); ++f) {
      action(std::string("choose ") + kFilters[f], page)
          .set.emplace_back("filter", text(kFilters[f]));
    }
  }

  // Something that stands in the way of a page turn until it is dealt with on an earlier page.
  void add_gate(std::size_t gate, std::size_t turns) {
    const std::size_t before = rng_.below(turns);
    model_.initial[kGates[gate]] = "false";
    FsmAction& a = action(std::string("accept ") + kGates[gate], rng_.below(before + 1));
    a.guards.push_back({kGates[gate], "eq", "false"});
    a.set.emplace_back(kGates[gate], "true");
    gates_.emplace_back(before, kGates[gate]);
  }

  void link(std::size_t from, std::size_t to, std::size_t turns) {
    FsmAction a;
    a.command = "open " + model_.places[to] + " from " + model_.places[from];
    for (const FsmAction& other : model_.actions) {
      if (other.command == a.command) return;
    }
    a.guards.push_back({"page", "eq", text(model_.places[from])});
    for (const auto& [page, gate] : gates_) {
      if (page == from && to == from + 1) a.guards.push_back({gate, "eq", "true"});
    }
    if (to == turns) a.guards.push_back({"filter", "eq", text(kFilters[wanted_filter_])});
    a.set.emplace_back("page", text(model_.places[to]));
    model_.actions.push_back(std::move(a));
  }

  // One page on along the way, the others sideways or back: no link leaps ahead.
  void add_links(std::size_t page, std::size_t turns) {
    const std::size_t pages = model_.places.size();
    if (page == turns) return;
    if (page < turns) link(page, page + 1, turns);
    for (std::int64_t b = 1; b < options_.branching; ++b) {
      const std::size_t to = rng_.below(pages);
      const bool ahead = to > page && to <= turns;
      const bool back_in = page > turns && to <= turns && to > 0;
      if (to != page && !ahead && !back_in) link(page, to, turns);
    }
    if (page > turns) link(page, 0, turns);
  }

  const RandomSite& options_;
  core::Rng& rng_;
  FsmModel model_;
  std::size_t wanted_filter_ = 1;
  std::vector<std::pair<std::size_t, std::string>> gates_;
};

}  // namespace

FsmModel random_site(const RandomSite& options, core::Rng& rng) {
  return SiteMaker(options, rng).make();
}

}  // namespace stateutils::bench
