// Who leads among the masters. The seam: masters stand for election and ask who won; where the votes are kept
// is another's matter. LocalElection keeps them in memory: whoever has stood longest leads, and after a
// leader is gone nobody does for a moment, as when a ZooKeeper session has to time out (mesos-protocol §6.2).
// All members are called on the masters' loop; `changed` may be called from any thread. Tested in
// tests/pocket/election_test.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/time.h"
#include "pocket/protos.h"
#include "wire/endpoint.h"

namespace mimas::pocket {

class Election {
 public:
  virtual ~Election() = default;
  // Once, before anything else: `changed` is to be called when leader() may answer something new.
  virtual void start(std::function<void()> changed) { (void)changed; }
  virtual void stop() {}
  virtual void stand(const mv1::MasterInfo& me, Instant now) = 0;
  virtual void withdraw(const mv1::MasterInfo& me, Instant now) = 0;  // as a crash does; known by its id
  virtual std::optional<wire::Endpoint> leader(Instant now) const = 0;
  // After `now`, when leader() may change by itself.
  virtual Instant wake_at(Instant now) const { return (void)now, kNever; }
};

class LocalElection final : public Election {
 public:
  explicit LocalElection(std::int64_t pause_ms) : pause_ms_(pause_ms) {}
  void stand(const mv1::MasterInfo& me, Instant now) override;
  void withdraw(const mv1::MasterInfo& me, Instant now) override;
  std::optional<wire::Endpoint> leader(Instant now) const override;
  Instant wake_at(Instant now) const override { return vacant_until_ > now ? vacant_until_ : kNever; }

 private:
  std::int64_t pause_ms_;
  std::deque<std::pair<std::string, wire::Endpoint>> standing_;  // by id, longest first
  Instant vacant_until_{0};
};

}  // namespace mimas::pocket
