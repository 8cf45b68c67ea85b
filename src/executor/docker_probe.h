// One command beside a task in its container: POST /containers/ID/exec, then its output, then its status.
// Docker cannot stop such a command; its process is killed by its pid when it can be seen from here, else it
// goes on, and the answer says so. Bounds: its last 512 bytes of output are kept. Single thread. Tested in
// tests/executor/docker_runtime_test.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "executor/docker_api.h"
#include "executor/docker_link.h"
#include "executor/runtime.h"

namespace mimas::executor {

inline constexpr std::size_t kProbeTextMax = 512;
inline constexpr std::int64_t kProbeEndMs = 5'000;  // from its time-out to our answer, however slow Docker is

class DockerProbe {
 public:
  DockerProbe(const DockerPlace& place, int minor, std::string task_id, std::string container_id,
              std::uint64_t number, const std::vector<std::string>& argv, std::int64_t timeout_ms,
              Instant now);

  const std::string& task_id() const { return ended_.task_id; }
  void add_to(std::vector<pollfd>& polled) const;
  Instant wake_at() const;
  void pump(Instant now);
  bool over() const { return over_; }
  ProbeEnded take() { return std::move(ended_); }

 private:
  enum class Phase { create, run, look };
  void ask(Phase phase, std::string method, std::string target, std::string body, Instant now);
  void answered(int status, Instant now);
  void read_output();
  void looked(Instant now);
  void fail(std::string why);

  DockerPlace place_;
  int minor_;
  std::string container_id_;
  std::string exec_id_;
  Phase phase_ = Phase::create;
  std::unique_ptr<DockerCall> call_;
  FrameReader frames_;
  std::string output_;
  std::int64_t timeout_ms_;
  Instant deadline_;
  Instant again_ = kNever;  // the next look at a command that has closed its output and goes on
  bool late_ = false;
  bool over_ = false;
  ProbeEnded ended_;
};

}  // namespace mimas::executor
