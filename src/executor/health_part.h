// The health checks of running tasks, beside them: asks over the network itself (health_probe.h) or has a
// command run beside the task (ProbeWanted), and tells the core when what they say together has changed
// (health.h): a judgement at once, a mere remark at most every kRemarkMs of a task. Nothing is kept for tasks
// without checks. Loop thread. Tested in tests/executor/health_part_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "executor/health.h"
#include "executor/health_probe.h"
#include "executor/part.h"

namespace mimas::executor {

inline constexpr std::int64_t kRemarkMs = 10'000;  // a check that fails every other time must not flood

class HealthPart : public Part {
 public:
  explicit HealthPart(std::uint64_t seed) : prng_(seed) {}

  void started(const TaskOrder& order, const RunFacts& facts, Instant now) override;
  void ended(std::string_view task_id, const ProcessEnd& end, Instant now) override;
  void probe_ended(const ProbeEnded& answer, Instant now) override;
  void add_to(std::vector<pollfd>& polled) const override;
  Instant wake_at() const override;
  void pump(Instant now, std::vector<PartNews>& news) override;

 private:
  struct Question {  // beside the CheckRun of the same place
    ProbeTarget target;
    std::unique_ptr<NetworkProbe> network;
    std::uint64_t command = 0;  // the probe's number
  };
  struct Watched {
    std::string task_id;
    std::vector<CheckRun> checks;
    std::vector<Question> questions;
    HealthVerdict said;
    Instant remark_at{0};  // not before
  };

  void ask(Watched& task, std::size_t at, Instant now, std::vector<PartNews>& news);
  void look(Watched& task, std::size_t at, Instant now, std::vector<PartNews>& news);

  Prng prng_;
  std::uint64_t probes_ = 0;
  std::vector<Watched> tasks_;
};

}  // namespace mimas::executor
