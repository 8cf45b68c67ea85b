// What a launch has to know that no job says: who we are to Mesos, and which executor an agent is to fetch
// and how it is to be told what it may do. The same for all launches of a server's life.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace mimas::mesos {

struct LaunchOptions {
  FrameworkId framework;
  std::string executor_base_url;
  std::string executor_version;
  std::string default_arch;
  std::string principal;                        // whose reservations and volumes are to be; empty: nobody's
  std::vector<std::string> executor_arguments;  // after its name: "--features", "metrics=on,…"
  std::map<std::string, std::string>
      executor_sha256;  // by architecture, 64 hex digits; none at all: not checked
  // The value of a secret, which is looked up for every launch anew. Empty: there are none.
  std::function<Result<std::string>(const std::string& name)> secret = {};
  std::string default_network = "host";  // of containers that name none and have no container ports
};

}  // namespace mimas::mesos
