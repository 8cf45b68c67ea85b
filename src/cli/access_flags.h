// The flags that say where the API listens, to whom, and how it is protected, and their way to checked
// values. Private to the room, as cli/flags.h. Tested in tests/cli/access_flags_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/server.h"

namespace CLI {
class App;
}

namespace mimas::cli {

struct AccessFlags {
  std::vector<std::string> listen = {"127.0.0.1:7101"};
  std::string advertise;
  std::string credentials;
  bool insecure = false;
  std::string tls_cert, tls_key, tls_client_ca;
  std::vector<std::string> cors_origins, host_names;
  std::int64_t connections = server::AccessOptions{}.connections_max;
  std::int64_t connections_per_address = server::AccessOptions{}.connections_per_address_max;
  std::int64_t streams = server::AccessOptions{}.streams_max;
  std::int64_t body_max = static_cast<std::int64_t>(server::AccessOptions{}.body_bytes_max);
  std::int64_t replies_max = server::AccessOptions{}.reply_bytes_max;
};

// `mimas dev` has masters of its own whose flags are --tls-cert and --tls-key, so that the API's have a
// prefix everywhere, and the short names only where they mean one thing.
void add_access_flags(CLI::App& app, AccessFlags& flags, bool short_tls_names);

// Fills in `access` and `advertise`.
Status take_access_flags(const AccessFlags& flags, server::ServerOptions& options);

}  // namespace mimas::cli
