// Where the API listens, to whom, and how it is protected: any number of addresses, each plain or TLS, each
// open to callers with credentials or bound to a role that everybody has there. Titus-api §4:
// - on loopback everybody may do everything, unless there is a credentials file;
// - elsewhere it takes a credentials file, a role of the address, or --insecure. Nothing is open by
// oversight. Each address has workers, streams and bounds of its own, so that a crowd at one does not keep
// others out of another. reload() reads credentials and certificates again; what is bad stays as it was.
// Thread-safe. Tested in tests/server/listeners_test.cc.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/listener.h"
#include "http/router.h"
#include "net/reloadable_security.h"
#include "server/access.h"
#include "server/call.h"
#include "wire/endpoint.h"

namespace mimas::server {

inline constexpr std::size_t kListenersMax = 16;

struct ListenOptions {
  wire::Endpoint at{"127.0.0.1", 7101};
  std::optional<Role> role;  // what everybody is there who says nothing else
  std::optional<bool> tls;   // unset: if there is a certificate
  bool operator==(const ListenOptions&) const = default;
};

// "10.0.0.5:7101=operator", "https://0.0.0.0:7101", "http://10.0.0.5:7102=none". `none` leaves /health and
// /executor, which need no role. Errors: invalid_argument.
Result<ListenOptions> parse_listen(std::string_view text, std::uint16_t default_port);

struct AccessOptions {
  std::vector<ListenOptions> listen = {ListenOptions{}};
  std::string credentials_file;  // empty: none
  bool insecure = false;
  std::string certificate_file, key_file, client_ca_file;
  std::vector<std::string> cors_origins;  // checked by http::check_origin
  std::vector<std::string> host_names;    // that listeners answer to besides their own
  // Of each address.
  int connections_max = 96;  // streams included
  int connections_per_address_max = 80;
  int streams_max = 64;
  std::size_t body_bytes_max = 1u << 20;
  std::int64_t reply_bytes_max = 256 << 20;
};

// The rules above, and what goes with what. Errors: invalid_argument, `where` names the flag.
Status check_access(const AccessOptions& options);

// What a person should know of a configuration that is allowed; lines for the log.
std::vector<std::string> access_warnings(const AccessOptions& options);

class Listeners {
 public:
  using MakeRouter = std::function<http::Router(Authenticate)>;
  using LogLine = std::function<void(const std::string& line)>;
  // Errors: those of check_access, of the files, and io for an address that cannot be had.
  static Result<std::unique_ptr<Listeners>> open(AccessOptions options, const MakeRouter& make_router,
                                                 LogLine log);
  ~Listeners();

  struct At {
    wire::Endpoint endpoint;  // with the port it really has
    bool tls = false;
    std::string url() const { return (tls ? "https://" : "http://") + endpoint.text(); }
  };
  const std::vector<At>& addresses() const { return addresses_; }  // in the order of the options

  void reload();  // says in the log what became of it
  void stop();

 private:
  Listeners(AccessOptions options, LogLine log) : options_(std::move(options)), log_(std::move(log)) {}
  Status open_all(const MakeRouter& make_router);
  Result<std::shared_ptr<const net::Security>> read_certificate() const;
  Authenticate authenticate_at(const ListenOptions& listen) const;

  const AccessOptions options_;
  const LogLine log_;
  std::shared_ptr<Access> access_;  // null: no credentials
  std::shared_ptr<net::ReloadableSecurity> security_;
  std::vector<At> addresses_;
  std::vector<std::unique_ptr<http::Listener>> listeners_;
};

}  // namespace mimas::server
