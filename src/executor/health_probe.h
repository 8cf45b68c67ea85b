// One question over the network, for an http or tcp health check: connect, and for http ask with GET and look
// at the status alone. 200 to 399 is well; a redirect is an answer, not followed; of the answer at most 4 KiB
// are read. Nothing blocks: the caller polls the descriptor, calls pump() and watches the deadline. Numeric
// addresses only. Single thread. Tested in tests/executor/health_probe_test.cc.
#pragma once

#include <poll.h>

#include <cstdint>
#include <string>
#include <vector>

#include "executor/runtime.h"
#include "executor/spec.h"
#include "net/socket.h"
#include "wire/http.h"

namespace mimas::executor {

inline constexpr std::size_t kAnswerHeadMax = 4u << 10;

// Where a check's port is to be asked. A task in the host's network answers at 127.0.0.1 or, when nobody
// listens there, at ::1. One with an address of its own answers there; a port that Docker maps is asked
// behind the mapping then, for Docker's proxy accepts connections whether or not anybody serves them.
struct ProbeTarget {
  std::vector<std::string> addresses;  // tried in order, the next when one refuses
  std::uint16_t port = 0;
};
ProbeTarget target_of(const HealthCheck& check, const TaskSpec& spec, const RunFacts& facts);

class NetworkProbe {
 public:
  NetworkProbe(const HealthCheck& check, ProbeTarget target);  // connects; may be over at once

  bool over() const { return over_; }
  bool good() const { return good_; }
  const std::string& message() const { return message_; }  // why not

  void add_to(std::vector<pollfd>& polled) const;
  void pump();

 private:
  void connect_next();
  void await_connected();
  void refused(int error);
  void send_request();
  void read_answer();
  void end(bool good, std::string message);

  bool http_ = false;
  ProbeTarget target_;
  std::size_t at_ = 0;  // of the addresses
  std::string path_;
  net::Socket socket_;
  bool connected_ = false;
  std::string request_;
  std::size_t sent_ = 0;
  wire::ResponseParser parser_;
  std::size_t read_ = 0;
  bool over_ = false;
  bool good_ = false;
  std::string message_;
};

}  // namespace mimas::executor
