// The masters of a pocket: each with its own port, one of them leading, the others redirecting to it. They
// stand for election (pocket/election.h); who wins makes a new MasterFace with an empty memory, learns its
// agents from the registry file the masters share, and everything else from agents and schedulers that come
// back (mesos-protocol §5.3 point 11). Leaders can be killed (port closed, streams broken off, memory lost)
// or made to step down (port open, streams ended, answers 307). Thread-safe. Tested in
// tests/pocket/masters_test.cc over loopback, and in tests/e2e/masters_test.py.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/listener.h"
#include "pocket/access.h"
#include "pocket/election.h"
#include "pocket/fault.h"
#include "pocket/loop.h"
#include "pocket/master_face.h"

namespace mimas::pocket {

struct MastersOptions {
  std::vector<wire::Endpoint> listen;  // one for each master; port 0: any free one
  MasterOptions model;                 // id, address, agents and seed are filled in for each life
  std::string registry;                // the file with the ids of known agents
  std::int64_t pause_ms = 300;         // without a leader after one is gone, in a local election
  std::int64_t recovery_ms = 0;        // from being elected to answering, meanwhile 503
  std::unique_ptr<Election> election;  // none: a local one
  MasterAccess access;
  std::vector<std::string> host_names;  // that they answer to besides their own (http/door.h)
  std::function<Status(const std::string& body)> resize;  // POST /pocket/agents
  std::function<Status(const Fault&)> agents;             // plays the faults that are not for masters
  std::function<void(std::string)> log;
};

class Masters {
 public:
  // Listens everywhere and, with a local election, has a leader when it returns. Errors: those of
  // http::Listener::open.
  static Result<std::unique_ptr<Masters>> start(MastersOptions options);
  ~Masters() { stop(); }

  void stop();
  std::vector<wire::Endpoint> endpoints() const;
  std::optional<wire::Endpoint> leader() const;
  // Errors: unavailable without a leader, where the fault needs one; those of the agents' part.
  Status play(const Fault& fault);

 private:
  struct Node {
    wire::Endpoint endpoint;
    mv1::MasterInfo info;  // of this life; loop only, as is all but `face`
    std::unique_ptr<http::Listener> listener;
    Instant returns_at = kNever;
    bool standing = false;
    Instant elected_at = kNever;
    std::shared_ptr<MasterFace> face;  // while it leads; guarded by mutex_
  };
  explicit Masters(MastersOptions options) : options_(std::move(options)) {}
  Status listen(Node& node);
  void stand(Node& node, Instant now);
  void lead(Node& node);
  void step_down(Node& node, bool crash);
  void kill(Node& node, std::int64_t away_ms, Instant now);
  Instant turn(Instant now);
  http::Reply handle(const Node& node, const http::Request& request);
  http::Reply fault(const http::Request& request);
  http::Reply resize(const http::Request& request) const;
  http::Reply elsewhere(const Node& node, const http::Request& request, const std::string& path) const;
  Node* leading();  // loop only

  MastersOptions options_;
  std::vector<std::unique_ptr<Node>> nodes_;
  mutable std::mutex mutex_;
  std::optional<wire::Endpoint> leader_;  // guarded by mutex_
  std::shared_ptr<MasterFace> led_by_;    // the leader's face, if it is one of ours; guarded by mutex_
  bool stopped_ = false;                  // by the owner's thread
  Loop loop_;
};

}  // namespace mimas::pocket
