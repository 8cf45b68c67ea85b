// One step in the making: the copies of records that it changes, the effects it asks for, and which jobs have
// to be reconciled before it is over. Private to the engine. A record is copied at most once a turn, however
// often it changes, and is put into the Step once, as it is at the end.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/state.h"

namespace mimas::engine {

// How a slot lost its current task: decides whether, when and at whose expense it gets another (reconcile.h).
enum class Ending {
  success,             // ran to its end with status 0
  failure,             // its own fault: counts as an attempt
  hopeless,            // the description itself is refused: batch does not try again
  blameless,           // lost with its agent, or replaced: again at once
  never_ran,           // the start came to nothing: again after a short while, not counted
  never_ran_artifact,  // the same, for something to fetch is not there: soon the job's own fault
  never_ran_go_again,  // the same, and nothing speaks against trying at once
  by_request,          // somebody asked for its end
  removed,             // its slot is given up
};

class Turn {
 public:
  Turn(State::Data& state_data, Instant at, Step& out) : data(state_data), now(at), step_(out) {}

  State::Data& data;
  const Instant now;

  template <class Mutate>
  void change_task(JobEntry& job, const TaskKey& key, Mutate mutate) {
    TaskEntry& entry = task_at(job, key);
    untrack_task(data, job, key, entry);
    Task& task = copy_of(key, entry);
    const TaskState before = task.state;
    mutate(task);
    if (task.state != before) note_status(task, now);
    track_task(data, job, key, entry);
  }
  template <class Mutate>
  void change_job(JobEntry& job, Mutate mutate) {
    untrack_job(data, job);
    mutate(copy_of(job));
    track_job(data, job);
  }
  template <class Mutate>
  void change_operation(OperationEntry& entry, Mutate mutate) {
    std::int64_t number = entry.record->number;
    untrack_operation(data, entry);
    Operation& copy = copy_of(entry);
    mutate(copy);
    copy.updated_at = now;
    track_operation(data, number, entry);
  }
  void add_job(Job job);  // ASSERTs that the number is free
  void add_task(JobEntry& job, Task task);
  void remove_task(JobEntry& job, const TaskKey& key);
  void remove_job(std::int64_t number);
  void add_operation(Operation operation);
  void remove_operation(std::int64_t number);

  // The slot of this task, which was its current one, is without one now; `last` is a copy of the task.
  struct Vacancy {
    Task last;
    Ending ending = Ending::failure;
  };
  void vacate(const Task& last, const Job& job, Ending ending);
  void touch(const JobEntry& job) { touched_.insert(job.record->number); }

  // The jobs to reconcile, each once, with what they lost; emptied by the call.
  std::map<std::int64_t, std::vector<Vacancy>> take_touched();
  bool anything_touched() const { return !touched_.empty() || !vacancies_.empty(); }

  void change(Change change) { others_.push_back(std::move(change)); }
  void effect(Effect effect) { effects_.push_back(std::move(effect)); }
  void reason(std::string text) { step_.reasons.push_back(std::move(text)); }
  void reply(RequestId request, Result<Answer> answer);
  void wake_at(Instant at) { step_.wake_at = at; }

  // Ask the master about this task, and again until it answers.
  void ask(const TaskKey& key) { asked_.insert(key); }
  std::set<TaskKey> take_asked() { return std::exchange(asked_, {}); }

  // Puts everything into the Step: records first, then what depends on them; calls, acknowledgements,
  // replies.
  void finish();

 private:
  Task& copy_of(const TaskKey& key, TaskEntry& entry);
  Job& copy_of(JobEntry& entry);
  Operation& copy_of(OperationEntry& entry);

  Step& step_;
  std::map<std::int64_t, std::shared_ptr<Job>> jobs_;
  std::map<TaskKey, std::shared_ptr<Task>> tasks_;
  std::map<std::int64_t, std::shared_ptr<Operation>> operations_;
  std::vector<Change> others_;
  std::vector<Change> removals_;
  std::vector<Effect> effects_;
  std::set<std::int64_t> touched_;
  std::map<std::int64_t, std::vector<Vacancy>> vacancies_;
  std::set<TaskKey> asked_;
};

}  // namespace mimas::engine
