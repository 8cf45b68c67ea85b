// The agents and their work, and the cells in which agents that look alike lie together. Private to the room:
// cluster.h is the door. Facts only mark an agent as changed; settle() moves what has changed into its cell,
// so that an agent that is used, withdrawn and offered again moves once.
//
// What tells agents apart: the attributes that some demand has ever asked about (and no others), total and
// free amounts (what is held is not free), how many ports, standing, whether anything is offered, which types
// of jobs run there, whether one of them wants the agent for itself, and which executors that several jobs
// share run there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "placement/cluster.h"

namespace mimas::placement {

using NameId = std::uint32_t;      // of an executor or image; 0: none
using CellId = std::uint32_t;      // given again once a cell is gone
using AgentOrder = std::uint64_t;  // of agents by id
inline constexpr AgentOrder kNoOrder = UINT64_MAX;
inline constexpr std::string_view kCostAttribute = "cost";
inline constexpr CellId kNoCell = UINT32_MAX;
inline constexpr JobNumber kNoJob = -1;

// Names with the number of tasks that bear them; a number is given again when none does.
class Names {
 public:
  NameId find(const std::string& name) const;  // 0: nobody bears it
  NameId acquire(const std::string& name);
  bool release(NameId id);  // true: that was the last

 private:
  std::unordered_map<std::string, NameId> ids_;
  std::vector<std::pair<std::string, std::int64_t>> entries_{{}};
  std::vector<NameId> spare_;
};

struct CellKey {
  std::uint32_t attributes = 0;  // class of them
  std::int64_t cpu_total = 0, mem_total = 0, disk_total = 0, gpus_total = 0, ports_total = 0;
  std::int64_t cpu = 0, mem = 0, disk = 0, gpus = 0, ports = 0;  // free
  Scalars scalars_total, scalars;
  Standing standing = Standing::open;
  bool offered = false;
  bool batch = false, service = false;  // tasks of such jobs run there
  bool exclusive = false;               // a job has the agent for itself
  bool held = false;                    // room is held there
  std::vector<NameId> executors;        // that jobs share; ascending
  bool operator==(const CellKey&) const = default;
};
struct CellKeyHash {
  std::size_t operator()(const CellKey& key) const noexcept;
};

struct Cell {
  CellKey key;
  std::set<std::pair<AgentOrder, HostIndex>> hosts;
  std::uint32_t generation = 0;  // of the number
  bool used = false;
};

// Tasks on one agent that are equal as Work.
struct WorkThere {
  JobNumber job = 0;
  JobType type = JobType::batch;
  NameId image = 0, executor = 0;
  bool exclusive = false;
  std::int64_t count = 0;
  bool is_like(const WorkThere& other) const {
    return job == other.job && type == other.type && image == other.image && executor == other.executor &&
           exclusive == other.exclusive;
  }
};

struct JobThere {
  JobNumber job = 0;
  std::int64_t count = 0;
  std::size_t place = 0;  // in JobUse::hosts
};

struct Host {
  HostFacts facts;
  Resources free;
  std::vector<Hold> holds;  // by job
  Ports avoided;            // given last
  bool known = false, offered = false, changed = false;
  Standing standing = Standing::open;
  std::uint32_t attributes = 0;  // class
  AgentOrder order = 0;
  CellId cell = kNoCell;
  std::vector<WorkThere> works;
  std::vector<JobThere> jobs;
  std::int64_t tasks = 0;

  std::int64_t count_of(JobNumber job) const;
  bool has_others_than(JobNumber job) const { return tasks > count_of(job); }
  bool holds_for(JobNumber job) const;
  ResourceRequest held_for_others(JobNumber job) const;  // than the job
  Resources free_for(JobNumber job) const;               // without that
  Ports take_ports(std::int64_t how_many) const;
  bool runs_executor(NameId executor) const;
  bool has_image(NameId image) const;
};

// Where one job's tasks run.
struct JobUse {
  std::vector<HostIndex> hosts;
  std::int64_t exclusive = 0;                     // tasks that want the agent for themselves
  std::vector<std::vector<std::int64_t>> counts;  // by balanced attribute and value
};

struct AttributeClass {
  Attributes asked;         // those that demands ask about
  std::vector<int> values;  // by balanced attribute; -1: it has none
  std::int64_t hosts = 0;
};

class Hosts {
 public:
  explicit Hosts(const Rules& rules);

  HostIndex put(HostFacts facts);
  void remove(HostIndex host);
  void set_free(HostIndex host, bool offered, Resources free);
  void take(HostIndex host, const Resources& amounts);  // of what is free
  void give_back(HostIndex host, const Resources& amounts);
  void stand(HostIndex host, Standing standing);
  void hold(HostIndex host, const Hold& hold);
  // What was held for the job before; nothing: no room was. A hold that is used up stays until it is
  // replaced, so that the agent is special to its job for the rest of the round.
  std::optional<Hold> use_hold(HostIndex host, JobNumber job, const Resources& taken);
  void avoid_ports(HostIndex host, Ports ports) { hosts_[host].avoided = std::move(ports); }
  // Names are not counted here: intern() and release() do.
  void start(HostIndex host, const WorkThere& work);
  void end(HostIndex host, const WorkThere& work);
  WorkThere intern(const Work& work);         // acquires its names …
  void release(const WorkThere& work);        // … and gives them back
  WorkThere look_up(const Work& work) const;  // 0 for names that no task bears

  // What demands ask about; each costs a look at every agent when it is new.
  void ask_about(const std::string& attribute);
  int balance_over(const std::string& attribute);  // its number
  // A task of the job runs in the executor, or is to.
  void note_executor(NameId executor, JobNumber job);
  bool is_shared_by_jobs(NameId executor) const { return shared_.contains(executor); }

  void settle();

  const Host& at(HostIndex host) const { return hosts_[host]; }
  const std::vector<Host>& all() const { return hosts_; }
  std::int64_t known() const { return static_cast<std::int64_t>(by_id_.size()); }
  const std::map<AgentId, HostIndex>& by_id() const { return by_id_; }
  const std::vector<HostIndex>& named(const std::string& hostname) const;
  const std::vector<Cell>& cells() const { return cells_; }
  const std::vector<AttributeClass>& classes() const { return classes_; }
  const JobUse* use(JobNumber job) const;
  const std::set<HostIndex>& held_for(JobNumber job) const;  // agents that hold room for it
  // The agent's cell as it stands to the job: what is held there for the job itself is free. `own` keeps it.
  const CellKey& key_on(const Host& host, JobNumber job, std::optional<CellKey>& own) const;
  const std::set<HostIndex>& with_image(NameId image) const;
  const Names& images() const { return images_; }
  const Names& executors() const { return executors_; }
  const Resources& total() const { return total_; }
  const Resources& free() const { return free_; }
  std::int64_t offering() const { return offering_; }
  std::int64_t idle() const { return idle_; }

  // Grows when classes of attributes come or go, which changes the meaning of their numbers.
  std::uint64_t topology() const { return topology_; }
  // Grows when agents come, go or are named otherwise.
  std::uint64_t names_version() const { return names_version_; }
  // Grows with every fact.
  std::uint64_t version() const { return version_; }
  // Cells that got agents whose id is below all others there, since `first`; older news are forgotten.
  std::uint64_t news_begin() const { return news_begin_; }
  std::uint64_t news_end() const { return news_begin_ + news_.size(); }
  CellId news(std::uint64_t at) const { return news_[static_cast<std::size_t>(at - news_begin_)]; }
  std::size_t cells_in_use() const { return by_key_.size(); }

 private:
  void touch(HostIndex host);
  void classify(Host& host);
  void declassify(std::uint32_t number);
  void count(const Host& host, JobUse& use, std::int64_t change) const;
  void count_all_jobs(const Host& host, std::int64_t change);
  void give_order(std::map<AgentId, HostIndex>::iterator at);
  CellKey key_of(const Host& host, JobNumber job) const;
  CellId cell_for(const CellKey& key);
  void enter(HostIndex host, CellId cell);
  void leave(HostIndex host);
  void sweep();
  void relabel();
  void add_totals(const Host& host, std::int64_t sign);
  int value_number(std::size_t balanced, const Attributes& attributes);

  bool images_matter_ = false;
  std::vector<Host> hosts_;
  std::vector<HostIndex> spare_hosts_, changed_;
  std::map<AgentId, HostIndex> by_id_;
  std::unordered_map<std::string, std::vector<HostIndex>> by_hostname_;
  std::vector<Cell> cells_;
  std::vector<CellId> spare_cells_;
  std::unordered_map<CellKey, CellId, CellKeyHash> by_key_;
  std::size_t empty_cells_ = 0;
  std::vector<AttributeClass> classes_;
  std::vector<std::uint32_t> spare_classes_;
  std::map<Attributes, std::uint32_t> class_of_;
  std::set<std::string, std::less<>> asked_;
  std::vector<std::string> balanced_;
  std::vector<std::map<std::string, int>> values_;  // by balanced attribute
  std::unordered_map<JobNumber, JobUse> uses_;
  std::unordered_map<JobNumber, std::set<HostIndex>> held_for_;
  Names images_, executors_;
  std::unordered_map<NameId, JobNumber> executor_of_;
  std::set<NameId> shared_;
  std::unordered_map<NameId, std::set<HostIndex>> image_hosts_;
  Resources total_, free_;
  std::int64_t offering_ = 0, idle_ = 0;
  std::uint64_t topology_ = 1, names_version_ = 1, version_ = 1, news_begin_ = 0;
  std::vector<CellId> news_;
};

}  // namespace mimas::placement
