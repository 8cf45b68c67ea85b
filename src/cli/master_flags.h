// The flags that say where the masters are and how they are reached, and their way to checked values. Private
// to the room, as cli/flags.h. Tested in tests/cli/master_flags_test.cc.
#pragma once

#include <string>

#include "base/result.h"
#include "server/server.h"

namespace CLI {
class App;
}

namespace mimas::cli {

struct MasterFlags {
  std::string master;
  std::string host_map;
  bool tls = false;
  std::string ca;
  std::string ciphers;
  std::string credentials;
  std::string credentials_hosts;
  bool credentials_readable = false;
};

void add_master_flags(CLI::App& app, MasterFlags& flags);

// Fills in `masters` and `master_access`. Reads the file of credentials.
Status take_master_flags(const MasterFlags& flags, server::ServerOptions& options);

}  // namespace mimas::cli
