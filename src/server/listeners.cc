#include "server/listeners.h"

#include <algorithm>
#include <utility>

#include "http/door.h"
#include "net/tls.h"
#include "server/private_file.h"
#include "wire/host.h"

namespace mimas::server {
namespace {

Error usage(const char* flag, std::string why, std::string hint = {}) {
  return make_error(Code::invalid_argument, std::move(why), flag, std::move(hint));
}

bool speaks_tls(const AccessOptions& options, const ListenOptions& listen) {
  return listen.tls.value_or(!options.certificate_file.empty());
}

// Everybody may do everything there.
bool is_open(const AccessOptions& options, const ListenOptions& listen) {
  return !listen.role && options.credentials_file.empty();
}

Status check_one(const AccessOptions& options, const ListenOptions& listen) {
  if (speaks_tls(options, listen) && options.certificate_file.empty())
    return usage("--listen", "https://" + listen.at.text() + " needs a certificate",
                 "--tls-cert and --tls-key");
  if (is_open(options, listen) && !options.insecure && !wire::is_loopback_host(listen.at.host)) {
    return usage(
        "--listen",
        listen.at.text() + " can be reached from other machines, and nobody would be asked who they are",
        "give --api-credentials FILE (`mimas token new` makes one), bind the address to a role as in "
        "--listen " +
            listen.at.text() + "=viewer, or say --insecure");
  }
  return Done{};
}

Status check_counts(const AccessOptions& options) {
  const auto check = [](const char* flag, std::int64_t value, std::int64_t least,
                        std::int64_t most) -> Status {
    if (value >= least && value <= most) return Done{};
    return usage(flag, "must be " + std::to_string(least) + " to " + std::to_string(most));
  };
  constexpr std::int64_t kConnectionsMax = 4'096;
  constexpr std::int64_t kBodyBytesMin = 4'096, kBodyBytesMax = 64 << 20;
  constexpr std::int64_t kRepliesMin = 1 << 20, kRepliesMax = std::int64_t{1} << 40;
  if (Status fits = check("--http-connections", options.connections_max, 4, kConnectionsMax); !fits)
    return fits;
  if (Status fits =
          check("--http-connections-per-address", options.connections_per_address_max, 1, kConnectionsMax);
      !fits)
    return fits;
  // Streams are connections, and some must be left for requests.
  if (Status fits = check("--http-streams", options.streams_max, 1, options.connections_max - 1); !fits)
    return fits;
  if (Status fits = check("--http-replies-max", options.reply_bytes_max, kRepliesMin, kRepliesMax); !fits)
    return fits;
  return check("--http-body-max", static_cast<std::int64_t>(options.body_bytes_max), kBodyBytesMin,
               kBodyBytesMax);
}

Status check_tls(const AccessOptions& options) {
  if (options.certificate_file.empty() != options.key_file.empty())
    return usage(options.certificate_file.empty() ? "--tls-cert" : "--tls-key",
                 "is missing: the two go together");
  if (options.certificate_file.empty() && !options.client_ca_file.empty())
    return usage("--tls-client-ca", "goes with --tls-cert");
  if (!options.client_ca_file.empty() && options.credentials_file.empty())
    return usage("--tls-client-ca", "goes with --api-credentials, which says what each certificate may do");
  return Done{};
}

}  // namespace

Result<ListenOptions> parse_listen(std::string_view text, std::uint16_t default_port) {
  ListenOptions listen;
  for (const auto& [scheme, tls] :
       {std::pair<std::string_view, bool>{"https://", true}, {"http://", false}}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    listen.tls = tls;
    break;
  }
  if (const std::size_t equals = text.rfind('='); equals != std::string_view::npos) {
    const auto role = parse_role(text.substr(equals + 1), true);
    if (!role)
      return make_error(Code::invalid_argument,
                        "the role of an address must be none, viewer, operator or admin", std::string(text),
                        "as in 10.0.0.5:7101=operator");
    listen.role = *role;
    text = text.substr(0, equals);
  }
  auto at = wire::parse_endpoint(text, default_port, true);
  if (!at) return std::move(at).error();
  listen.at = *std::move(at);
  return listen;
}

Status check_access(const AccessOptions& options) {
  if (options.listen.empty()) return usage("--listen", "names no address");
  if (options.listen.size() > kListenersMax)
    return usage("--listen", "must not be given more than " + std::to_string(kListenersMax) + " times");
  if (Status fits = check_tls(options); !fits) return fits;
  for (const ListenOptions& listen : options.listen) {
    if (Status fits = check_one(options, listen); !fits) return fits;
  }
  if (options.cors_origins.size() > http::kOriginsMax)
    return usage("--cors-origin",
                 "must not be given more than " + std::to_string(http::kOriginsMax) + " times");
  for (const std::string& origin : options.cors_origins) {
    if (Status fits = http::check_origin(origin); !fits)
      return usage("--cors-origin", origin + ": " + fits.error().message, fits.error().hint);
  }
  if (options.host_names.size() > http::kHostNamesMax)
    return usage("--http-host",
                 "must not be given more than " + std::to_string(http::kHostNamesMax) + " times");
  return check_counts(options);
}

std::vector<std::string> access_warnings(const AccessOptions& options) {
  std::vector<std::string> lines;
  for (const ListenOptions& listen : options.listen) {
    if (wire::is_loopback_host(listen.at.host)) continue;
    const std::string where = listen.at.text();
    if (is_open(options, listen)) {
      lines.push_back("--insecure: whoever reaches " + where + " may do everything");
    } else if (listen.role == Role::admin || listen.role == Role::operator_) {
      lines.push_back("whoever reaches " + where + " has the role " + std::string(role_name(*listen.role)));
    }
    if (!options.credentials_file.empty() && listen.role != Role::none && !speaks_tls(options, listen))
      lines.push_back("credentials sent to " + where +
                      " can be read by whoever carries the packets; --tls-cert protects them");
  }
  return lines;
}

Authenticate Listeners::authenticate_at(const ListenOptions& listen) const {
  if (listen.role == Role::none) return everybody_is(Role::none);
  if (access_ == nullptr) return everybody_is(listen.role.value_or(Role::admin));
  return [access = access_, role = listen.role](const http::Request& request) -> Result<Identity> {
    if (role && !access->has_credentials(request)) return Identity{{}, *role, {}};
    return access->identify(request);
  };
}

Result<std::shared_ptr<const net::Security>> Listeners::read_certificate() const {
  if (Status closed = check_private(options_.key_file); !closed) return std::move(closed).error();
  return net::tls_server({options_.certificate_file, options_.key_file, "", options_.client_ca_file});
}

Result<std::unique_ptr<Listeners>> Listeners::open(AccessOptions options, const MakeRouter& make_router,
                                                   LogLine log) {
  if (Status fits = check_access(options); !fits) return std::move(fits).error();
  auto made = std::unique_ptr<Listeners>(new Listeners(std::move(options), std::move(log)));
  if (Status opened = made->open_all(make_router); !opened) return std::move(opened).error();
  return made;
}

Status Listeners::open_all(const MakeRouter& make_router) {
  if (!options_.credentials_file.empty()) {
    auto access = Access::open(options_.credentials_file, Access::real_world(log_));
    if (!access) return std::move(access).error();
    access_ = *std::move(access);
  }
  if (!options_.certificate_file.empty()) {
    auto security = read_certificate();
    if (!security) return std::move(security).error();
    security_ = std::make_shared<net::ReloadableSecurity>(*std::move(security));
  }
  for (const ListenOptions& listen : options_.listen) {
    const bool tls = speaks_tls(options_, listen);
    http::Options wanted;
    wanted.listen = listen.at;
    wanted.workers = options_.connections_max;
    wanted.workers_per_address = options_.connections_per_address_max;
    wanted.streams_max = options_.streams_max;
    wanted.body_bytes_max = options_.body_bytes_max;
    wanted.reply_bytes_max = options_.reply_bytes_max;
    if (tls) wanted.security = security_;
    wanted.origins = options_.cors_origins;
    wanted.host_names = options_.host_names;
    auto opened = http::Listener::open(
        std::move(wanted), [router = make_router(authenticate_at(listen))](const http::Request& request) {
          return router.route(request);
        });
    if (!opened) return std::move(opened).error();
    addresses_.push_back({{listen.at.host, (*opened)->port()}, tls});
    listeners_.push_back(*std::move(opened));
  }
  return Done{};
}

Listeners::~Listeners() { stop(); }

void Listeners::stop() {
  for (const auto& listener : listeners_) listener->stop();
}

void Listeners::reload() {
  if (access_ != nullptr) {
    const auto entries = access_->reload();
    log_(entries ? "read " + std::to_string(*entries) + " credentials from " + options_.credentials_file
                 : "the old credentials stay: " + entries.error().text());
  }
  if (security_ != nullptr) {
    auto fresh = read_certificate();
    log_(fresh ? "new connections get the certificate of " + options_.certificate_file
               : "the old certificate stays: " + fresh.error().text());
    if (fresh) security_->replace(*std::move(fresh));
  }
  if (access_ == nullptr && security_ == nullptr)
    log_("there is neither a credentials file nor a certificate to read again");
}

}  // namespace mimas::server
