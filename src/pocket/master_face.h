// The master's HTTP face and loop: the v1 scheduler API, the operator calls a pocket needs, the private door
// for its agents. Workers translate; the model is touched by the loop alone. Thread-safe. Tested in
// tests/pocket/golden_test.cc without sockets and in tests/pocket/cluster_test.cc over loopback.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "http/listener.h"
#include "pocket/loop.h"
#include "pocket/master_model.h"
#include "pocket/stream.h"
#include "v1/codec.h"

namespace mimas::pocket {

class MasterFace {
 public:
  // `remember` is called on the loop with the ids of all known agents whenever they change.
  MasterFace(MasterOptions options, std::function<void(const std::vector<std::string>&)> remember);
  ~MasterFace() { stop(); }

  void start();
  void stop();  // ends every stream; afterwards everything is answered 503
  http::Reply handle(const http::Request& request);

 private:
  struct Subscriber {
    std::shared_ptr<EventStream> stream;
    v1::MediaType type = v1::MediaType::json;
  };
  http::Reply scheduler(const http::Request& request);
  http::Reply subscribe(const mscheduler::Call& call, v1::MediaType type);
  http::Reply operate(const http::Request& request);
  http::Reply agent(const http::Request& request);
  http::Reply agent_stream(const http::Request& request);
  http::Reply get(const http::Request& request, const std::string& path);
  Instant turn(Instant now);
  void carry_out(const MasterOutput& output);
  std::shared_ptr<EventStream> open(std::uint64_t* number, v1::MediaType type);  // loop only

  MasterOptions options_;
  std::function<void(const std::vector<std::string>&)> remember_;
  Loop loop_;
  MasterModel model_;  // loop only, as are the two below
  std::map<std::uint64_t, Subscriber> subscribers_;
  std::uint64_t next_stream_ = 1;
};

}  // namespace mimas::pocket
