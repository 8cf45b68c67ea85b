// How one agent is asked for files, pocket's or a real Mesos's (mesos-protocol §5.6). First the operator
// calls READ_FILE and LIST_FILES, whose answers are binary safe. Where an agent refuses those (401, 403, 405,
// 415, 501, or 404, which may also mean that the file is gone) its older GET /files/… are asked:
//   list   /files/browse
//   size   /files/read?offset=-1, whose answer holds no bytes of the file
//   bytes  /files/read, if all of its answer is ASCII: then nothing can be lost on the way through its JSON
//          text; otherwise /files/download, which sends the bytes as they are but always from the first on,
//          so that what lies before the offset is read and dropped, kSkippedBytesMax at most. A download is
//          kept open between calls that go on where the last one stopped.
// What worked once is asked first the next time. Credentials go to the hosts in AgentAccess and nowhere else.
// Bounds: kPieceBytesMax a read, kListBytesMax a list, and the deadlines of kSandboxTimeouts for each
// request. Blocking; one thread at a time. Tested in tests/server/sandbox_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http_client.h"
#include "server/log_reader.h"
#include "wire/endpoint.h"

namespace mimas::server {

inline constexpr std::int64_t kPieceBytesMax = 64 << 10;
inline constexpr std::size_t kListBytesMax = 8u << 20;
inline constexpr std::int64_t kSkippedBytesMax = 1ll << 30;
inline constexpr net::Timeouts kSandboxTimeouts{.connect_ms = 2'000, .response_ms = 5'000};

// Who may be told our name.
struct AgentAccess {
  std::string authorization;          // value of the header; empty: we have none
  std::vector<wire::Endpoint> hosts;  // --credentials-hosts
  std::string_view authorization_for(const wire::Endpoint& agent) const;
};

struct SandboxFile {
  std::string name;  // last component
  std::int64_t size = 0;
  bool plain = false;  // neither folder nor link nor device
};

class SandboxLink {
 public:
  SandboxLink(wire::Endpoint agent, const AgentAccess& access);

  // Paths are virtual. At most kPieceBytesMax; `file_size` is right also for a length of 0. Errors: not_found
  // (no such file, or swept away), unavailable (agent away), unsupported (too far to skip), protocol (refused
  // in both ways, or not understood).
  Result<FilePiece> read(const std::string& path, std::int64_t offset, std::int64_t length);
  Result<std::vector<SandboxFile>> list(const std::string& path);

 private:
  enum class Way { unknown, operate, files };
  struct Answer {
    int status = 0;
    std::string body;
  };
  wire::Request get(std::string target) const;
  Result<Answer> exchange(wire::Request request);
  Result<Answer> operate(std::string body);
  Error away(const Error& why) const;
  Error refused(const Answer& answer) const;
  bool try_files(int status);  // after an answer of the operator API that is not 200

  Result<FilePiece> read_by_files(const std::string& path, std::int64_t offset, std::int64_t length);
  Result<std::int64_t> size_by_files(const std::string& path);
  Result<std::string> download(const std::string& path, std::int64_t offset, std::int64_t length);
  Result<std::vector<SandboxFile>> list_by_files(const std::string& path);

  struct Download {
    std::string path;
    std::int64_t offset = 0;  // of the first byte in `pending`
    std::string pending;
    net::HttpClient client;
    bool over = false;
  };

  wire::Endpoint agent_;
  std::string authorization_;
  Way way_ = Way::unknown;
  std::optional<Download> download_;
};

}  // namespace mimas::server
