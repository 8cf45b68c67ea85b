// The metadata service's answers, without sockets: what a task may ask about itself at the address that
// MIMAS_METADATA_URL names. Its own paths under /v1, and the ones of EC2's instance metadata that make sense
// outside of a cloud, so that programs written for it find their names. Pure. Bytes come from the task, which
// is trusted with nothing: requests are at most 8 KiB and have no body. Tested in
// tests/executor/metadata_test.cc.
//
//   GET /                          the paths, one a line
//   GET /v1/identity               a JSON object: task, job, address and tags
//   GET /v1/credentials            what the provider says, for who knows the task's token
//   PUT /latest/api/token          a token as IMDSv2 wants one; it opens nothing
//   GET /latest/meta-data/…        instance-id, hostname, local-hostname, local-ipv4, ami-launch-index,
//   tags/…
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mimas::executor {

inline constexpr std::size_t kMetadataRequestMax = 8u << 10;

// --metadata listen=ADDRESS,credentials=EXECUTABLE; both may be left out.
struct MetadataOptions {
  std::string listen;    // a numeric address; empty: an address of 127.169.0.0/16 of each task's own
  std::string provider;  // absolute path: identity on its standard input, credentials as JSON on its output
  bool operator==(const MetadataOptions&) const = default;
};
Result<MetadataOptions> parse_metadata(std::string_view text);

struct Identity {
  std::string task;
  std::string host;                                       // the agent's host name
  std::string ip;                                         // the task's own address, or empty
  std::vector<std::pair<std::string, std::string>> tags;  // "job", "app", "index", …
};
std::string identity_json(const Identity& identity);

struct MetadataRequest {
  std::string method;
  std::string path;  // without query
  std::string authorization;
};
// One whole request head. Errors: protocol.
Result<MetadataRequest> parse_request(std::string_view head);

struct MetadataReply {
  int status = 200;
  std::string type = "text/plain";
  std::string body;
  bool ask_provider = false;  // the body is what the provider says
};
// `token` is the task's secret for its credentials; `has_provider`: there are some.
MetadataReply answer(const MetadataRequest& request, const Identity& identity, std::string_view token,
                     bool has_provider);

std::string reply_bytes(const MetadataReply& reply, bool head_only);

// What a task finds in its environment. AWS's tools look for the others.
std::vector<std::string> metadata_environment(const std::string& url, std::string_view token,
                                              bool has_provider);

}  // namespace mimas::executor
