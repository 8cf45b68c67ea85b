// One request to Docker on a connection of its own, over its unix socket or loopback TCP: sent and received
// as the bytes can move, never blocking except to connect, which to a local socket is at once or an error.
// Bounds: 4 MiB of an answer that nobody takes away; 256 KiB are read per pump(). Single thread. Tested in
// tests/executor/docker_runtime_test.cc.
#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/socket.h"
#include "wire/endpoint.h"
#include "wire/http.h"

namespace mimas::executor {

inline constexpr std::size_t kDockerAnswerMax = 4u << 20;

// Where Docker listens.
struct DockerPlace {
  std::string path;        // of the unix socket; empty: TCP
  wire::Endpoint address;  // numeric
  bool local() const { return !path.empty(); }
};
// "unix:///var/run/docker.sock", "tcp://127.0.0.1:2375", "/var/run/docker.sock".
Result<DockerPlace> parse_docker_place(std::string_view text);

class DockerCall {
 public:
  // `patience_ms` is for the next bytes, whenever they are; `endless`: only for the answer's head.
  DockerCall(const DockerPlace& place, std::string request, std::int64_t patience_ms, bool endless,
             Instant now);

  void add_to(std::vector<pollfd>& polled) const;
  Instant wake_at() const;
  void pump(Instant now);
  void pause(bool paused) { paused_ = paused; }  // stop reading: nobody can take the bytes now

  int status() const;  // 0: no head yet
  bool over() const { return over_; }
  const std::string& failure() const { return failure_; }  // not empty: no (whole) answer came
  std::string& body() { return body_; }                    // what came; take away what was used

 private:
  void fail(std::string why);
  void send();
  void receive(Instant now);

  net::Socket socket_;
  std::string out_;
  std::size_t sent_ = 0;
  wire::ResponseParser parser_;
  std::string body_;
  std::int64_t patience_ms_;
  Instant deadline_;
  bool endless_;
  bool paused_ = false;
  bool over_ = false;
  std::string failure_;
};

}  // namespace mimas::executor
