// SQLite as the memory of the engine: migrate, load all, commit a batch. WAL, synchronous=FULL, STRICT
// tables, foreign keys on; one file `mimas.db` in the data directory. One writing thread (the loop). A failed
// commit is final: the store refuses further commits and the process must end, because memory is ahead of the
// disk. Schema: schema/0001_….sql, compiled in. Tested in tests/store, with real files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/change.h"
#include "store/backup.h"

namespace mimas::store {

// What was in the database, in the shape the engine recovers from (engine::Recovered has the same fields).
struct Loaded {
  FrameworkId framework;
  std::int64_t next_job_number = 1;
  std::vector<Job> jobs;              // by number
  std::vector<Task> tasks;            // by (job number, index, number)
  std::vector<Orphan> orphans;        // by task id
  std::vector<Operation> operations;  // by number
  std::vector<Audit> audits;          // by number
  std::int64_t next_audit_number = 1;
  std::vector<JobVersion> versions;      // by (job number, version)
  std::vector<Receipt> receipts;         // by time
  std::vector<AgentOrder> agent_orders;  // by agent
  std::vector<CapacityGroup> groups;     // by name
};

class Store {
 public:
  // Creates the directory (0700) and file when missing, takes an exclusive lock on the directory (conflict
  // when another process has it), migrates to the newest schema (a newer one than ours is unsupported),
  // checks integrity quickly. `pages_max` bounds the file to so many pages of 4 KiB (a full disk, for tests);
  // 0: SQLite's own limit.
  static Result<std::unique_ptr<Store>> open(const std::string& directory, std::int64_t pages_max = 0);
  ~Store();

  Result<Loaded> load();
  // All durable changes in one transaction; volatile ones are skipped; no durable change, no transaction. On
  // return with success everything is on disk (fsync done).
  Status commit(const std::vector<engine::Change>& changes);

  // Begins a copy (backup.h); whoever holds it makes its steps, on this thread, and lets go of it before the
  // store.
  Result<std::unique_ptr<Backup>> back_up(const std::string& path);

  std::int64_t commits() const;  // how many transactions so far

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::store
