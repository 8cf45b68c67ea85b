// A runtime with a network of its own for each task, put in front of another runtime: Docker containers are
// told which network to join; for a process a network namespace is made, a CNI plugin gives it an address,
// and only then is it started in there. After its end the plugin takes the address back. Needs root for CNI.
// An executor that is killed leaves the plugin no time for that: the interfaces go with the namespace, a
// lease in the plugin's own records stays. Single thread. Tested with a real plugin in
// tests/executor/integrations_test.py.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "executor/cni.h"
#include "executor/helper_program.h"
#include "executor/runtime.h"

namespace mimas::executor {

inline constexpr std::int64_t kPluginMs = 30'000;

class NetworkRuntime : public Runtime {
 public:
  // `config` is the text of options.config for CNI; `environment` ours (it must outlive the runtime).
  NetworkRuntime(NetworkOptions options, std::string config, const char* const* environment,
                 std::unique_ptr<Runtime> inner);
  ~NetworkRuntime() override;

  void start(TaskOrder order, Instant now) override;
  void signal(std::string_view task_id, int signal, Instant now) override;
  void kill(std::string_view task_id, Instant now) override;
  void probe(std::string_view task_id, std::uint64_t probe, const std::vector<std::string>& argv,
             std::int64_t timeout_ms, Instant now) override;
  void child_ended(std::int64_t pid, int wait_status, Instant now) override;
  void add_to(std::vector<pollfd>& polled) const override;
  Instant wake_at() const override;
  void pump(Instant now, std::vector<RuntimeNews>& news) override;
  void end_all(std::int64_t ms) override;

 private:
  enum class Phase { adding, inside, removing, over };
  struct Place {
    TaskOrder order;
    Phase phase = Phase::adding;
    bool killed = false;
    std::int64_t holder = 0;  // a process that does nothing but keep the namespace alive
    std::string result;       // what ADD printed
    std::string ip;
    HelperProgram plugin;
  };

  void begin_adding(TaskOrder order, Instant now);
  void added(Place& place, Instant now);
  void begin_removing(Place& place, Instant now);
  void fail(Place& place, std::string message, Instant now);
  void look(const RuntimeNews& item, Instant now);
  Status run(Place& place, CniCommand command, Instant now);
  Place* find(std::string_view task_id);

  NetworkOptions options_;
  std::string config_;
  std::string path_;  // PATH of ours
  std::unique_ptr<Runtime> inner_;
  std::vector<std::unique_ptr<Place>> places_;
  std::vector<RuntimeNews> news_;  // for the next pump
};

}  // namespace mimas::executor
