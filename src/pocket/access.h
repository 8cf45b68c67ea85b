// Who may speak to a pocket's masters: HTTP Basic, checked where a Mesos checks it (mesos-protocol §1.3
// points 2, 8 and 12, §1.12), and what agents bring to be let in. Pure functions, thread-safe. Tested in
// tests/pocket/access_test.cc against transcripts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/listener.h"
#include "net/secure.h"
#include "pocket/protos.h"
#include "wire/credentials.h"

namespace mimas::pocket {

struct MasterAccess {
  std::shared_ptr<const net::Security> security;  // of a server; null: plain
  std::vector<wire::Credentials> credentials;     // empty: everybody is let in
};

struct AgentAccess {
  std::shared_ptr<const net::Security> security;  // of a client; null: the masters speak plain
  wire::Credentials credentials;                  // empty: none are asked for
};

// 401 with the realm of the path, for a request without one of the known pairs. Before leader and method are
// looked at. /health, /version and /redirect are open to everybody, as with Mesos, and /pocket/fault because
// it is a toy's.
std::optional<http::Reply> refuse_stranger(const http::Request& request, const std::string& plain_path,
                                           const std::vector<wire::Credentials>& known);

// Of a request that was let in; empty: nobody said who he is.
std::string principal_of(const http::Request& request);

// Why a call by `principal` cannot be for a framework that says it is `stated`'s; empty: it can.
std::string principal_mismatch(const std::string& principal, const std::string& stated);

}  // namespace mimas::pocket
