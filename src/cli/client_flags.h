// The flags that every client command has: which server, who asks, how the answer is shown. Private to the
// room, as cli/flags.h. The secrets' variables (MIMAS_TOKEN, MIMAS_TOKEN_FILE, MIMAS_LOGIN_FILE) are looked
// at only when no flag names a secret. Tested in tests/cli/client_flags_test.cc.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/client_requests.h"
#include "cli/hints.h"

namespace CLI {
class App;
}

namespace mimas::cli {

struct ClientFlags {
  std::string server = "127.0.0.1:7101";
  bool json = false;
  std::string output = "table";
  bool quiet = false;
  std::string colour = "auto";
  std::string token, token_file, login_file;
  std::string ca, certificate, key;
};

void add_client_flags(CLI::App& app, ClientFlags& flags, Hints& hints);
void add_output_flags(CLI::App& app, ClientFlags& flags, Hints& hints);  // of listings, besides those above

Result<Client> to_client(const ClientFlags& flags);

}  // namespace mimas::cli
