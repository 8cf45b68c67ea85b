// Follows the leader that a ZooKeeper ensemble knows, on a thread of its own: mesos/detection.h decides,
// net/zookeeper.h speaks. Tested against a real ZooKeeper in tests/e2e/zookeeper_test.py.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "wire/endpoint.h"
#include "wire/master_location.h"

namespace mimas::mesos {

class Detector {
 public:
  // Called on the detector's thread; must be thread-safe. `masters`: the leader, or nobody while none is
  // known.
  struct Hooks {
    std::function<void(std::vector<wire::Endpoint>)> masters;
    std::function<void(std::string)> log;
  };
  Detector(wire::ZooKeeperUrl ensemble, Hooks hooks);
  ~Detector();  // stop()

  void start();
  void stop();  // joins; not from within a hook

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::mesos
