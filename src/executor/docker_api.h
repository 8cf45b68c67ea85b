// The Docker Engine API as text and values: which version is spoken, how a request reads, what an answer
// says. Versions 1.22 (Docker 1.10) to 1.51; a younger Docker is spoken to in 1.51, which it keeps offering.
// Pure. Anything may come in. Tested in tests/executor/docker_api_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::executor {

inline constexpr int kDockerMinorMin = 22;
inline constexpr int kDockerMinorMax = 51;
inline constexpr std::size_t kDockerTextMax = 500;  // of Docker's own words in our messages
inline constexpr std::size_t kPullLayersMax = 256;  // of which progress is counted

struct DockerRequest {
  std::string method = "GET";
  std::string target;  // below the version: "/containers/json?all=1"
  std::string body;    // JSON; empty: none
  std::string auth;    // for a registry, see registry_auth(); empty: none
};
// The bytes to send. `minor` 0: without a version.
std::string docker_request_text(const DockerRequest& request, int minor);

// From the answer to GET /version: the minor version to speak. Errors (unsupported) name both ranges.
Result<int> choose_docker_version(std::string_view json);

// The "message" of an error answer, or its text; never longer than kDockerTextMax.
std::string docker_message(std::string_view body);

struct ImageName {
  std::string name;      // with its registry, as given
  std::string tag;       // or "sha256:…"; never empty
  std::string registry;  // the key of credentials: "https://index.docker.io/v1/" when none is named
};
Result<ImageName> parse_image_name(std::string_view text);

// X-Registry-Auth for a registry out of the text of a Docker client's config.json; empty: no credentials.
std::string registry_auth(std::string_view config_json, std::string_view registry);

// Would the same request fail again, whenever it is repeated? (The image is not there; the program is not.)
bool pull_fault_is_final(int status, std::string_view message);
bool start_fault_is_final(int status, std::string_view message);

// The stream that answers a pull: JSON objects, one per line.
class PullReader {
 public:
  void feed(std::string_view bytes);
  const std::string& error() const { return error_; }  // Docker's, when the pull failed
  std::string text() const;                            // "2 of 5 layers, 3 of 12 MB"; empty: nothing yet

 private:
  struct Layer {
    std::string id;
    std::int64_t done = 0, total = 0;
    bool complete = false;
  };
  void take_line();

  std::string line_;
  std::vector<Layer> layers_;
  std::string error_;
};

// GET /containers/ID/json
struct ContainerState {
  enum class Is { created, running, exited };
  std::string id;
  Is is = Is::created;
  int exit_code = 0;
  bool oom_killed = false;
  std::int64_t pid = 0;
  std::string ip;           // empty: the host's
  std::string error;        // why it could not be started
  std::string stop_signal;  // "SIGQUIT", "3": of its creation or its image; empty: none is named
  std::string user;         // who its processes are: of its creation or its image; empty: root
  std::vector<std::pair<std::string, std::string>> labels;

  std::string_view label(std::string_view name) const;  // empty when absent
};
Result<ContainerState> parse_container(std::string_view json);

// Whether users in containers are others outside (GET /info): then no uid of theirs means anything here.
bool remaps_users(std::string_view info_json);

// The content of the one regular file of a tar archive (GET /containers/ID/archive); empty: there is none.
std::string_view file_in_tar(std::string_view tar);

// The "Id" of what was created; empty when there is none.
std::string parse_created(std::string_view json);

// stdout and stderr in one stream: frames of a head of eight bytes and a payload. Payload comes out as it
// comes in, in pieces.
class FrameReader {
 public:
  struct Piece {
    bool error_stream = false;
    bool begins = false;  // the first piece of its frame
    std::string_view bytes;
  };
  // Takes from the front of `input`. False: all of it is used up. Errors (protocol): not such a stream.
  Result<bool> next(std::string_view& input, Piece& piece);

 private:
  unsigned char head_[8] = {};
  std::size_t have_ = 0;  // bytes of the head
  std::uint32_t left_ = 0;
  bool begins_ = false;
};

}  // namespace mimas::executor
