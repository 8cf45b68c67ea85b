#include "cli/pocket_flags.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "cli/credentials_file.h"
#include "cli/usage_error.h"
#include "net/tls.h"
#include "wire/master_location.h"

namespace mimas::cli {
namespace {

constexpr std::uint16_t kMesosPort = 5050;

Status take_join(const PocketAccessFlags& flags, const std::string& join, pocket::PocketOptions& options) {
  if (join.empty()) {
    if (!flags.join_ca.empty()) return usage_error("--join-ca", "goes with --join https://…");
    return Done{};
  }
  if (!flags.tls_cert.empty() || !flags.zookeeper.empty())
    return usage_error("--join", "runs no master, so neither --tls-cert nor --zk go with it");
  auto location = wire::parse_master_location(join, kMesosPort);
  if (!location) return usage_error("--join", std::move(location).error());
  if (location->zookeeper)
    return usage_error("--join", "takes masters by HOST:PORT; whoever leads is found from any of them");
  options.join = std::move(location->masters);
  if (location->scheme != wire::Scheme::https) {
    if (!flags.join_ca.empty()) return usage_error("--join-ca", "goes with --join https://…");
    return Done{};
  }
  auto security = net::tls_client({flags.join_ca, ""});
  if (!security) return usage_error("--join-ca", std::move(security).error());
  options.agent_access.security = *std::move(security);
  return Done{};
}

Status take_tls(const PocketAccessFlags& flags, pocket::PocketOptions& options) {
  if (flags.tls_cert.empty() != flags.tls_key.empty())
    return usage_error(flags.tls_cert.empty() ? "--tls-cert" : "--tls-key",
                       "is missing: the two go together");
  if (flags.tls_cert.empty()) {
    if (!flags.tls_ciphers.empty()) return usage_error("--tls-ciphers", "goes with --tls-cert");
    return Done{};
  }
  auto masters = net::tls_server({flags.tls_cert, flags.tls_key, flags.tls_ciphers});
  if (!masters) return usage_error("--tls-cert", std::move(masters).error());
  auto agents = net::tls_client({flags.tls_cert, flags.tls_ciphers});
  if (!agents) return usage_error("--tls-cert", std::move(agents).error());
  options.master_access.security = *std::move(masters);
  options.agent_access.security = *std::move(agents);
  return Done{};
}

}  // namespace

void add_tls_flags(CLI::App& app, PocketAccessFlags& flags) {
  app.add_option("--tls-cert", flags.tls_cert, "the masters speak TLS with this certificate, in PEM")
      ->type_name("FILE")
      ->envname("MIMAS_TLS_CERT");
  app.add_option("--tls-key", flags.tls_key, "its private key, in PEM")
      ->type_name("FILE")
      ->envname("MIMAS_TLS_KEY");
  app.add_option("--tls-ciphers", flags.tls_ciphers,
                 "TLS 1.2 with these ciphers alone; AES128-SHA stands in for a Mesos at its defaults")
      ->type_name("LIST")
      ->envname("MIMAS_TLS_CIPHERS");
  app.add_option("--credentials", flags.credentials,
                 "the masters let in whoever has one of these principals and secrets, in JSON or as lines "
                 "'principal secret'")
      ->type_name("FILE")
      ->envname("MIMAS_CREDENTIALS");
  app.add_flag("--credentials-readable", flags.credentials_readable,
               "take that file even if others than its owner may read it");
}

void add_pocket_flags(CLI::App& app, PocketAccessFlags& flags) {
  app.add_option("--zk", flags.zookeeper, "the masters stand for election there, as Mesos masters do")
      ->type_name("zk://HOST:PORT,…/PATH")
      ->envname("MIMAS_ZK");
  app.add_option("--registry", flags.registry,
                 "where masters of several processes share the list of agents; default: in --data")
      ->type_name("FILE")
      ->envname("MIMAS_REGISTRY");
  app.add_option("--join-ca", flags.join_ca,
                 "with --join https://…: authorities to trust, in PEM; default: the system's")
      ->type_name("FILE")
      ->envname("MIMAS_JOIN_CA");
  app.add_option("--http-host", flags.host_names,
                 "masters and agents answer to this name besides addresses and their own; repeatable")
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->envname("MIMAS_HTTP_HOST");
}

Status take_pocket_flags(const PocketAccessFlags& flags, const std::string& join,
                         pocket::PocketOptions& options) {
  if (Status taken = take_join(flags, join, options); !taken) return taken;
  if (Status taken = take_tls(flags, options); !taken) return taken;
  options.registry = flags.registry;
  options.host_names = flags.host_names;
  if (!flags.zookeeper.empty()) {
    auto zookeeper = wire::parse_zookeeper_url(flags.zookeeper);
    if (!zookeeper) return usage_error("--zk", std::move(zookeeper).error());
    options.zookeeper = *std::move(zookeeper);
  }
  if (flags.credentials.empty()) return Done{};
  auto pairs = read_credentials(flags.credentials, flags.credentials_readable);
  if (!pairs) return usage_error("--credentials", std::move(pairs).error());
  options.agent_access.credentials = pairs->front();
  options.master_access.credentials = *std::move(pairs);
  return Done{};
}

server::MasterAccess access_to(const PocketAccessFlags& flags, const pocket::PocketOptions& options) {
  server::MasterAccess access;
  access.tls = options.master_access.security != nullptr;
  access.ca_file = flags.tls_cert;
  access.ciphers = flags.tls_ciphers;
  access.credentials = options.agent_access.credentials;
  return access;
}

}  // namespace mimas::cli
