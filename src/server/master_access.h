// How the masters are found and reached, beyond a list of addresses: detection, TLS, credentials, names that
// mean something else here. Plain values from the command line, and their way into the driver's options.
// Tested in tests/server/master_access_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "mesos/driver.h"
#include "server/sandbox_link.h"
#include "wire/credentials.h"
#include "wire/endpoint.h"
#include "wire/master_location.h"

namespace mimas::server {

struct MasterAccess {
  std::optional<wire::ZooKeeperUrl> zookeeper;  // set: it names the leader, and there is no list
  wire::HostMap host_map;
  bool tls = false;
  std::string ca_file;                            // PEM; empty: what the system trusts
  std::string ciphers;                            // of TLS 1.2; empty: the safe ones (net/tls.h)
  wire::Credentials credentials;                  // empty: none are sent
  std::vector<wire::Endpoint> credentials_hosts;  // may get them besides the masters named or detected
};

// For the agents among credentials_hosts, whose files we read.
AgentAccess agent_access(const MasterAccess& access);

// Errors: an unreadable ca_file, unknown ciphers, credentials that HTTP cannot carry.
Status apply(const MasterAccess& access, mesos::DriverOptions& options);

// One line for the log about what is unusual and should not be forgotten; empty: nothing is.
std::string warning(const MasterAccess& access);

}  // namespace mimas::server
