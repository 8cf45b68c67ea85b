// Where the scheduler's records outlive it: in memory, or in a real store in a directory. Both keep a copy of
// what was committed, to compare with what the engine believes and with what a real store reads back. One
// thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/change.h"
#include "engine/step.h"
#include "store/store.h"

namespace mimas::sim {

class Disk {
 public:
  // Empty: in memory.
  explicit Disk(std::string directory) : directory_(std::move(directory)) {}

  // Opens the store, if it is a real one, and reads everything. Errors: the store's, and a difference between
  // what it reads and what was committed.
  Result<engine::Recovered> open();
  Status commit(const std::vector<engine::Change>& changes);
  void close() { store_.reset(); }  // the process is gone

  const FrameworkId& framework() const { return framework_; }
  TaskPtr task(const std::string& id) const;
  JobPtr job(std::int64_t number) const;
  const std::map<std::int64_t, JobPtr>& jobs() const { return jobs_; }
  const std::map<std::string, TaskPtr>& tasks() const { return tasks_; }
  engine::Recovered recovered() const;

 private:
  void keep(const engine::PutJob& put) { jobs_[put.job->number] = put.job; }
  void keep(const engine::PutTask& put) { tasks_[put.task->id.value] = put.task; }
  void keep(const engine::RemoveJob& gone);
  void keep(const engine::RemoveTask& gone) { tasks_.erase(gone.task.value); }
  void keep(const engine::PutFramework& put) { framework_ = put.framework; }
  void keep(const engine::PutNextJobNumber& put) { next_job_number_ = put.number; }
  template <class Other>
  void keep(const Other&) {}  // published only

  std::string directory_;
  std::unique_ptr<store::Store> store_;
  FrameworkId framework_;
  std::int64_t next_job_number_ = 1;
  std::map<std::int64_t, JobPtr> jobs_;
  std::map<std::string, TaskPtr> tasks_;
};

}  // namespace mimas::sim
