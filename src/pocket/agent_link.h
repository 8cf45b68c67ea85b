// An agent's two connections to its master (pocket/link.h): one stream of commands, one for reports, and the
// pings that keep the agent alive in the master's eyes. Reconnects for as long as it runs. What is reported
// while there is no connection waits; what is waiting when a connection breaks is dropped, since the next
// registration tells it all. Thread-safe: send, stop, lose. Bound: kReportsMax waiting reports, then the
// connection is given up. Tested in tests/pocket/cluster_test.cc.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/http_client.h"
#include "pocket/access.h"
#include "pocket/link.h"
#include "wire/endpoint.h"

namespace mimas::pocket {

class AgentLink {
 public:
  struct Callbacks {
    // A new session begins: what to register with; nullopt: stopping.
    std::function<std::optional<Registration>(std::string session)> connecting;
    std::function<void(Command)> command;
    std::function<void()> lost;
    std::function<void(std::string)> log;
  };
  // The masters are tried in turn; one that does not lead names the leader (307).
  AgentLink(std::vector<wire::Endpoint> masters, AgentAccess access, Callbacks callbacks);
  ~AgentLink() { stop(); }
  void start();
  void stop();
  void send(Report report);
  void drain(std::int64_t timeout_ms);  // waits until what was sent has left, or not
  // A fault: no word to or from the master for that long. Connections stay open, as over a cut network cable;
  // what was under way arrives afterwards if the master still knows us.
  void lose(std::int64_t ms);

 private:
  static constexpr std::size_t kReportsMax = 100'000;
  void read_commands();
  // One life of the command stream; false when it never came up, with the leader if the master named another.
  bool follow(net::HttpClient& client, const wire::Endpoint& to, const Registration& registration,
              std::optional<wire::Endpoint>* leader);
  void send_reports();
  void tell_trouble(const Result<wire::ResponseHead>& head);
  void end_session(const std::string& session);
  bool wait_out_loss(std::unique_lock<std::mutex>& lock);

  net::HttpClient client_of(const wire::Endpoint& master) const;
  wire::Request post(const wire::Endpoint& to, std::string body) const;

  const std::vector<wire::Endpoint> masters_;
  const AgentAccess access_;
  wire::Endpoint master_;  // of the session
  Callbacks callbacks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Report> reports_;
  std::string session_;  // empty: not connected
  std::int64_t ping_ms_ = 1'000;
  std::int64_t lost_until_ms_ = 0;  // monotonic
  bool sending_ = false;
  std::string trouble_;  // told last; of the reader
  bool stopping_ = false;
  net::HttpClient* streaming_ = nullptr;  // to be interrupted
  std::thread reader_;
  std::thread sender_;
};

}  // namespace mimas::pocket
