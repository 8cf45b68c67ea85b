// Finds containers that dead executors left behind, by the labels of docker_create.h, and removes them.
// Whose executor lives, or cannot be looked at from here, is left alone. Used by `mimas-executor reap`, and
// by every executor beside its first container. Bounds: 1000 containers, 30 s for each answer. Tested in
// tests/executor/docker_runtime_test.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "executor/config.h"
#include "executor/docker_create.h"
#include "executor/docker_link.h"

namespace mimas::executor {

inline constexpr std::size_t kReapMax = 1000;
inline constexpr std::int64_t kReapAnswerMs = 30'000;

class DockerReaper {
 public:
  DockerReaper(DockerPlace place, int minor, ExecutorMark here, bool dry_run, Instant now);

  void add_to(std::vector<pollfd>& polled) const;
  Instant wake_at() const;
  void pump(Instant now, std::vector<std::string>& lines);  // one line for each container it meant
  bool over() const { return over_; }
  const std::string& failure() const { return failure_; }  // why the list could not be had

 private:
  struct Left {
    std::string id;
    std::string what;
  };
  void take_list(std::string_view json);
  void next(Instant now, std::vector<std::string>& lines);

  DockerPlace place_;
  int minor_;
  ExecutorMark here_;
  bool dry_run_;
  bool listed_ = false;
  bool over_ = false;
  std::string failure_;
  std::vector<Left> left_;
  std::unique_ptr<DockerCall> call_;
};

// All of it at once; blocks for at most `ms`. The lines say what was removed, or would be. Errors: Docker
// does not answer (unavailable), or not in a version we speak.
Result<std::vector<std::string>> reap_containers(const Config& config, bool dry_run,
                                                 std::int64_t ms = 60'000);

}  // namespace mimas::executor
