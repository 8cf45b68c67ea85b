// The flags that say how a pocket's masters are protected and elected, and their way to checked values.
// Private to the room, as cli/flags.h. Tested in tests/cli/pocket_flags_test.cc.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pocket/pocket.h"
#include "server/master_access.h"

namespace CLI {
class App;
}

namespace mimas::cli {

struct PocketAccessFlags {
  std::string tls_cert;
  std::string tls_key;
  std::string tls_ciphers;
  std::string credentials;
  bool credentials_readable = false;
  std::string zookeeper;
  std::string registry;
  std::string join_ca;
  std::vector<std::string> host_names;
};

void add_tls_flags(CLI::App& app, PocketAccessFlags& flags);     // of dev and pocket
void add_pocket_flags(CLI::App& app, PocketAccessFlags& flags);  // of pocket alone

// Reads certificate, key and credentials. Agents trust the very certificate of their own masters and show the
// first of the credentials. `join`: the masters to join instead, perhaps https://; empty: none.
Status take_pocket_flags(const PocketAccessFlags& flags, const std::string& join,
                         pocket::PocketOptions& options);

// How the server of `mimas dev` reaches masters that were started with these flags.
server::MasterAccess access_to(const PocketAccessFlags& flags, const pocket::PocketOptions& options);

}  // namespace mimas::cli
