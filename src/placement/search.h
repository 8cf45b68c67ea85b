// The best agent for the next task of a demand. Private to the room.
//
// A class of demands ranks every cell once and keeps the ranks in heaps, one per lane: the agents with one
// tuple of values of the attributes that the class balances over. What a balance says is then one number for
// each lane, and the best of all agents is among the lanes' first ones. The heaps outlive the round; Hosts
// tells which cells are news.
//
// Agents that differ for one demand alone (special ones: its job runs there, its image is there, a job that
// it wants to be with or apart from runs there, room is held there for it, its starts came to nothing there)
// are judged one by one; so are all that a constraint on names
// allows. A demand that has any works on its own
// copy of the heaps (a View) for the round, in which cells are entered behind their special agents.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "placement/demand_class.h"

namespace mimas::placement {

// A cell, or one agent, in its order: the higher rank first, then the lower agent id.
struct Entry {
  std::int64_t rank = 0;
  AgentOrder order = 0;    // of the agent that would be taken
  std::uint32_t what = 0;  // cell or agent
};
using Heap = std::vector<Entry>;

struct Lane {
  std::vector<int> values;
  Heap cells;
};

// One class with its ranks.
struct Ranking {
  Ranking(const Demand& demand, const Rules& rules, Hosts& hosts) : cls(demand, rules, hosts) {}
  struct Rank {
    std::uint32_t generation = 0;  // of the cell; 0: not judged
    std::uint32_t lane = 0;
    std::int64_t rank = -1;  // -1: no task could go there
  };
  DemandClass cls;
  std::vector<Lane> lanes;
  std::vector<Rank> ranks;                 // by cell
  std::vector<std::vector<int>> eligible;  // by balance: values that agents have which could ever take it
  std::uint64_t topology = 0, seen = 0;
  std::uint64_t built = 0;  // how often, so that views notice; 0: not, or forgotten
  std::uint64_t used = 0;   // round in which it was needed last
  // Cells that are not ranked yet, because one that is good enough was found without them; the agents with
  // the lowest ids first.
  Heap pending;
  // The agents that hard constraints on their names allow; all where there are none.
  std::vector<HostIndex> listed;
  std::uint64_t listed_at = 0;  // Hosts::names_version()
  // The explanation when nothing but the class matters to it.
  std::uint64_t explained_at = 0;
  ExplanationPtr explained;
};

struct View {
  std::uint64_t built = 0, seen = 0;
  std::size_t changes = 0;
  std::vector<Heap> cells, singles;  // by lane
};

struct Wanted : Want {
  Ranking* ranking = nullptr;
  std::optional<View> view;
  std::vector<HostIndex> avoided;  // Demand::avoid
  bool is_listed = false;          // only the ranking's listed agents are looked at, each singly
};

struct Pick {
  HostIndex host = 0;
  Charge charge;
  Score score;
};

class Search {
 public:
  Search(const Rules& rules, Hosts& hosts) : rules_(&rules), hosts_(&hosts) {}

  void begin_round();
  Wanted want(const Demand& demand);
  void release(const Wanted& want) { hosts_->release(want.work); }
  // The demand as it stands now, after others have been placed.
  void refresh(Wanted& want);
  std::optional<Pick> pick(Wanted& want);
  void changed(HostIndex host) { changes_.push_back(host); }  // in this round

  bool has_special(const Wanted& want) const;
  std::vector<HostIndex> special(const Wanted& want) const;  // ascending
  // Those whose reason may be another than that of their cell, or may be once a constraint is ignored;
  // ascending.
  std::vector<HostIndex> singled_out(const Wanted& want) const;
  std::uint64_t looks() const { return looks_; }

 private:
  Ranking& ranking_of(const Demand& demand, NameId shared_executor);
  std::vector<HostIndex> allowed_by(const Constraint& constraint) const;  // on names
  void list_hosts(Ranking& ranking);
  void build(Ranking& ranking);
  void sync(Ranking& ranking);
  void consider(Ranking& ranking, CellId cell);
  void consider_pending(Ranking& ranking);
  bool is_good_enough(const DemandClass& cls, std::int64_t rank) const;
  std::uint32_t lane_of(Ranking& ranking, const std::vector<int>& values);
  bool is_special(const Wanted& want, const Host& host) const;
  bool is_avoided(const Wanted& want, const Host& host) const;
  void add_those_at_work(const Wanted& want, std::vector<HostIndex>& hosts) const;
  void build_view(Wanted& want);
  void sync_view(Wanted& want);
  void consider_single(Wanted& want, HostIndex host);
  std::optional<std::int64_t> judge(const Wanted& want, const CellKey& key, const Host* host, bool balances);
  void search_cells(const Wanted& want, Heap& heap, std::int64_t bonus, std::optional<Entry>& best);
  void search_singles(Wanted& want, Heap& heap, std::int64_t bonus, std::optional<Entry>& best);
  std::optional<Entry> search_lanes(Wanted& want);
  std::optional<Entry> scan(Wanted& want);
  Pick picked(const Wanted& want, HostIndex host) const;
  void forget_rankings();

  const Rules* rules_;
  Hosts* hosts_;
  std::unordered_map<std::string, std::unique_ptr<Ranking>> rankings_;
  std::size_t ranks_kept_ = 0;
  std::vector<HostIndex> changes_;
  std::vector<Wanted*> viewing_;  // who got a view in this round
  std::size_t viewed_ = 0;        // entries copied for them
  std::uint64_t round_ = 0, builds_ = 0, looks_ = 0;
};

// The soft score of a lane, weighted, or nothing if a hard balance forbids it.
std::optional<std::int64_t> lane_score(const Want& want, const std::vector<int>& values);

}  // namespace mimas::placement
