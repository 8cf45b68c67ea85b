// The two connections to the agent (mesos-protocol §3.2, §3.5): one carries SUBSCRIBE and its endless answer,
// the other the calls, one at a time in order. Nothing blocks except connecting, which to an agent on the
// same machine is at once or an error, and is given a second. The caller polls the descriptors and calls
// pump(). Bounds: records of 8 MiB, 512 bytes of a refusal's text, 10 s for an answer, 8 messages waiting.
// Single thread. Tested in tests/executor/rules_test.cc (93, 94) and through tests/executor/executor_test.py.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "executor/environment.h"
#include "executor/messages.h"
#include "net/socket.h"
#include "wire/http.h"
#include "wire/recordio.h"

namespace mimas::executor {

inline constexpr std::int64_t kConnectMs = 1'000;
inline constexpr std::int64_t kAnswerMs = 10'000;  // to a call; to SUBSCRIBE its head and the first event
inline constexpr std::size_t kRefusalTextMax = 512;
inline constexpr std::size_t kMessagesMax = 8;

struct Record {
  std::string text;  // one event
};
struct Refused {
  int status = 0;
  std::string text;
  enum class What { subscribe, update, heartbeat, message };
  What what = What::update;
};
struct Lost {
  std::string why;  // both connections are closed
};
using LinkNews = std::variant<Record, Refused, Lost>;

class AgentLink {
 public:
  explicit AgentLink(Settings settings) : settings_(std::move(settings)) {}

  void subscribe(const std::string& body, Instant now);  // closes both connections first
  // A message is dropped when kMessagesMax wait already.
  void post(std::string body, CallKind kind, Instant now);
  void disconnect();
  bool has_messages() const;  // waiting, or not answered yet
  bool quiet() const;         // no event is on its way in, as far as can be seen from here

  void add_to(std::vector<pollfd>& polled) const;
  Instant wake_at() const;
  // Moves whatever bytes can move; the news in their order.
  void pump(Instant now, std::vector<LinkNews>& news);

 private:
  struct Connection {
    net::Socket socket;
    std::string out;
    std::size_t sent = 0;
    std::optional<wire::ResponseParser> parser;
    Instant deadline = kNever;
    bool fresh = true;  // has not carried an answer yet
  };
  enum class Flow { idle, open, ended };

  Status open(Connection& connection);
  std::string request(const std::string& body) const;
  Status flush(Connection& connection);
  Result<Flow> receive(Connection& connection, std::string& body);
  void pump_stream(Instant now, std::vector<LinkNews>& news);
  void pump_calls(Instant now, std::vector<LinkNews>& news);
  Status next_call(Instant now);
  void finish_call(std::vector<LinkNews>& news);
  bool repeat_call(Instant now);
  void lose(std::string why, std::vector<LinkNews>& news);

  Settings settings_;
  Connection stream_;
  Connection calls_;
  bool over_unix_ = false;  // how the stream connected, and so what path is asked for
  std::optional<wire::RecordReader> records_;
  std::string refusal_;
  struct Call {
    std::string body;
    CallKind kind = CallKind::update;
  };
  std::deque<Call> queue_;
  bool in_flight_ = false;
  std::string answer_;
  std::string failure_;  // met outside pump()
};

}  // namespace mimas::executor
