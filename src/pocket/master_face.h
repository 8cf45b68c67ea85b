// The master's HTTP face and loop: the v1 scheduler API, the operator calls a pocket needs, the private door
// for its agents. Workers translate; the model is touched by the loop alone. Thread-safe. Tested in
// tests/pocket/golden_test.cc without sockets and in tests/pocket/cluster_test.cc over loopback.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "http/listener.h"
#include "pocket/fault.h"
#include "pocket/loop.h"
#include "pocket/master_model.h"
#include "pocket/stream.h"
#include "v1/codec.h"

namespace mimas::pocket {

// What a master has under a path, leading or not (mesos-protocol §1.1, §5.6).
enum class Reach {
  nothing,     // 404
  any_master,  // answered by every master
  leader,      // followers redirect
};
// "/master/x", "/x/" and "/x" are one path.
std::string plain_path(std::string path);
Reach master_reach(const std::string& plain_path);
http::Reply answer_anywhere(const http::Request& request,
                            const std::string& plain_path);  // Reach::any_master

class MasterFace : public std::enable_shared_from_this<MasterFace> {
 public:
  // `remember` is called on the loop with the ids of all known agents whenever they change.
  MasterFace(MasterOptions options, std::function<void(const std::vector<std::string>&)> remember);
  ~MasterFace() { stop(); }

  void start();
  void stop();   // ends every stream; afterwards everything is answered 503
  void crash();  // like stop(), but streams break off and calls are not answered
  // Streams, calls and what the model knows; others are `unsupported` here (pocket/masters.h has them).
  Status play(const Fault& fault);
  http::Reply handle(const http::Request& request);

 private:
  struct Subscriber {
    std::shared_ptr<EventStream> stream;
    v1::MediaType type = v1::MediaType::json;
  };
  http::Reply scheduler(const http::Request& request);
  http::Reply subscribe(const mscheduler::Call& call, v1::MediaType type);
  http::Reply operate(const http::Request& request);
  std::optional<Answer> change(const mmaster::Call& call, std::string* missing);
  http::Reply teardown(const http::Request& request);
  http::Reply agent(const http::Request& request);
  http::Reply agent_stream(const http::Request& request);
  http::Reply get(const http::Request& request, const std::string& path);
  Instant turn(Instant now);
  bool play_on_streams(const Fault& fault);  // loop only, as is the next one
  bool play_on_model(const Fault& fault, Instant now);
  CallFaults::Verdict verdict_on(const std::string& call_type);
  http::Reply obey(const mscheduler::Call& call, const std::string& principal,
                   const std::optional<std::string>& stream_id, v1::MediaType type);
  http::Reply stopping() const;
  std::function<void()> ended(std::uint64_t stream, void (MasterModel::*gone)(std::uint64_t, Instant));
  void carry_out(const MasterOutput& output);
  std::shared_ptr<EventStream> open(std::uint64_t* number, v1::MediaType type);  // loop only

  MasterOptions options_;
  std::function<void(const std::vector<std::string>&)> remember_;
  Loop loop_;
  MasterModel model_;  // loop only, as are the two below
  std::map<std::uint64_t, Subscriber> subscribers_;
  std::uint64_t next_stream_ = 1;
  std::atomic<bool> crashed_{false};
  std::mutex faults_mutex_;
  CallFaults faults_;  // guarded by faults_mutex_
};

}  // namespace mimas::pocket
