// What the driver is made of: private to src/mesos/driver*.cc. driver_reader.cc is the thread that follows
// the event stream, driver_writer.cc the one that sends calls, driver.cc the face to the outside. Tested in
// tests/mesos/driver_test.cc.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mesos/call_queue.h"
#include "mesos/calls.h"
#include "mesos/driver.h"
#include "mesos/event_reader.h"
#include "mesos/launch.h"
#include "mesos/standing.h"
#include "mesos/subscription.h"
#include "net/http_client.h"
#include "wire/http.h"

namespace mimas::mesos {

inline constexpr std::int64_t kCallAnswerMs = 15'000;

// `mutex` guards the machine, the book, the queue and the pointers to the clients; hooks are called without
// it. The reader carries out every Reaction, also those the writer or send() brought about: they leave it in
// `verdict` and interrupt the stream. So the engine hears Subscribed and Disconnected in order, from one
// thread.
struct Driver::Impl {
  Impl(DriverOptions driver_options, Hooks driver_hooks);

  using Lock = std::unique_lock<std::mutex>;
  using Client = std::shared_ptr<net::HttpClient>;

  Client make_client(const Attempt& attempt, std::int64_t answer_ms) const;
  wire::Request request_of(const scheduler::Call& call, const Attempt& to) const;

  // --- reader thread
  void read_loop();
  Client open_client(Attempt& attempt);
  Reaction follow(const Attempt& attempt, net::HttpClient& client);
  Reaction read_events(const Attempt& attempt, net::HttpClient& client);
  Reaction take_records(const Attempt& attempt, std::vector<std::string>& records);
  Reaction take_event(const Attempt& attempt, ReadEvent event);
  void wait_for_writer();
  bool carry_out(const Reaction& reaction);
  void plan_attempt(const Lock&);
  std::string whereto(const Lock&) const;
  std::optional<Reaction> verdict_or_stop();
  void log_skipped(const std::string& why);

  // --- writer thread
  struct Session {  // what a call needs of the subscription it belongs to
    std::uint64_t generation = 0;
    std::string stream_id;
    Attempt attempt;
    Client client;
  };
  struct Outgoing {
    std::vector<scheduler::Call> calls;
    std::vector<engine::Input> refused;  // what does not leave, answered by ourselves
    std::vector<std::string> log;
    bool teardown = false;  // and nothing else
  };
  void write_loop();
  std::optional<Outgoing> next_outgoing(Session& session);
  bool send_call(const scheduler::Call& call, Session& session);
  void call_was_refused(const scheduler::Call& call, const std::string& why);
  void send_teardown(Session& session);
  void end_teardown(const Lock&, Status outcome);
  Reaction judge(const Result<net::Response>& response, const Session& session);

  void enqueue(const Lock&, engine::Effect effect);
  void pass_verdict(const Lock&, Reaction reaction);
  bool is_current(const Lock&, std::uint64_t generation) const {
    return !stopping && machine.phase() == Phase::subscribed && machine.generation() == generation;
  }

  DriverOptions options;
  Hooks hooks;
  const std::string hostname;

  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  bool started = false;
  Subscription machine;
  Attempt attempt;  // the machine's, under way or waited for
  OfferBook book;
  Standing wanted;                 // of the master
  Standing told;                   // by the last SUBSCRIBE
  std::uint64_t caught_up_in = 0;  // generation in which `told` was compared with `wanted`
  CallQueue queue;
  std::optional<Reaction> verdict;
  Client stream;
  Client calls;
  bool teardown_asked = false;             // somebody waits in Driver::teardown()
  bool tearing_down = false;               // … and the writer is at it
  std::optional<Status> teardown_outcome;  // for whom waits

  std::uint64_t skipped = 0;  // reader thread only
  std::thread reader;
  std::thread writer;
};

}  // namespace mimas::mesos
