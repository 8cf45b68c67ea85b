// The election as real Mesos masters hold it, in ZooKeeper (mesos-protocol §6.2): every master that stands
// has a session of its own with an ephemeral sequential node "json.info_N" under the ensemble's path; the
// lowest number leads, in whatever process it lives. A session that expires is followed by another, with a
// new node at the end of the line. Without a connection the last known leader counts for the length of a
// session. A thread of its own does the talking. Tested against a real ZooKeeper in
// tests/e2e/zookeeper_test.py.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pocket/election.h"
#include "wire/master_location.h"

namespace mimas::pocket {

class ZooKeeperElection final : public Election {
 public:
  ZooKeeperElection(wire::ZooKeeperUrl ensemble, std::function<void(std::string)> log);
  ~ZooKeeperElection() override;

  void start(std::function<void()> changed) override;
  void stop() override;
  void stand(const mv1::MasterInfo& me, Instant now) override;
  void withdraw(const mv1::MasterInfo& me, Instant now) override;
  std::optional<wire::Endpoint> leader(Instant now) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mimas::pocket
