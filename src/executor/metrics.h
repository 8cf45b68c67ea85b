// The part that measures: every interval, about, one MESSAGE with what each running task has used so far
// (schema/executor/message.json), and one for each task at its end, so that a task shorter than the interval
// is seen, too. Between tasks it sleeps. What is lost on the way is lost: every message has the whole counts.
// Tested in tests/executor/metrics_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "executor/metrics_source.h"
#include "executor/metrics_text.h"
#include "executor/part.h"

namespace mimas::executor {

class Metrics : public Part {
 public:
  // Moments of measuring differ by up to a tenth of the interval, so that a thousand executors do not do it
  // at once. `log` knows how much tasks write; null: nobody does. It must outlive us.
  Metrics(std::int64_t interval_ms, std::uint64_t seed, const OutputSink* log);

  void started(const TaskOrder& order, const RunFacts& facts, Instant now) override;
  void ended(std::string_view task_id, const ProcessEnd& end, Instant now) override;
  void child_used(std::int64_t pid, const Used& used, Instant now) override;
  Instant wake_at() const override;
  void pump(Instant now, std::vector<PartNews>& news) override;
  bool busy() const override { return !finals_.empty(); }

 private:
  struct Measured {
    std::string task_id;
    RunFacts facts;
    CgroupFolders cgroup;
    Usage usage;  // as last measured; counts never fall
  };
  Measured* find(std::string_view task_id);
  // Without children the processes are gone, and only what outlives them is read.
  void measure(Measured& task, const std::vector<OwnChild>* children) const;

  const std::int64_t interval_ms_;
  Prng prng_;
  const OutputSink* log_;
  Instant next_ = kNever;
  std::vector<Measured> running_;
  std::vector<TaskUsage> finals_;
};

}  // namespace mimas::executor
