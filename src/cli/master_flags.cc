#include "cli/master_flags.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "cli/credentials_file.h"
#include "cli/usage_error.h"
#include "wire/master_location.h"

namespace mimas::cli {
namespace {

constexpr std::uint16_t kMesosPort = 5050;

Status take_location(const MasterFlags& flags, server::ServerOptions& options) {
  if (flags.master.empty()) {
    return usage_error("--master",
                       "is required: HOST:PORT of a Mesos master, a list of them, or zk://HOST:PORT/PATH");
  }
  auto location = wire::parse_master_location(flags.master, kMesosPort);
  if (!location) {
    Error error = std::move(location).error();
    error.where.clear();
    return usage_error("--master", std::move(error));
  }
  if (flags.tls && location->scheme == wire::Scheme::http)
    return usage_error("--master-tls", "does not go with http:// masters");
  options.masters = std::move(location->masters);
  options.master_access.zookeeper = std::move(location->zookeeper);
  options.master_access.tls = flags.tls || location->scheme == wire::Scheme::https;
  return Done{};
}

Status take_tls(const MasterFlags& flags, server::MasterAccess& access) {
  if (!access.tls && !flags.ca.empty())
    return usage_error("--master-ca", "goes with --master-tls or https:// masters");
  if (!access.tls && !flags.ciphers.empty())
    return usage_error("--master-tls-ciphers", "goes with --master-tls or https:// masters");
  access.ca_file = flags.ca;
  access.ciphers = flags.ciphers;
  return Done{};
}

Status take_credentials(const MasterFlags& flags, server::MasterAccess& access) {
  if (!flags.credentials_hosts.empty()) {
    if (flags.credentials.empty()) return usage_error("--credentials-hosts", "goes with --credentials");
    auto hosts = wire::parse_endpoints(flags.credentials_hosts, kMesosPort);
    if (!hosts) return usage_error("--credentials-hosts", std::move(hosts).error());
    access.credentials_hosts = std::move(*hosts);
  }
  if (flags.credentials.empty()) return Done{};
  auto pairs = read_credentials(flags.credentials, flags.credentials_readable);
  if (!pairs) return usage_error("--credentials", std::move(pairs).error());
  if (pairs->size() > 1)
    return usage_error("--credentials",
                       "holds " + std::to_string(pairs->size()) + " pairs, and a server has one principal");
  access.credentials = pairs->front();
  return Done{};
}

void add_credentials_flags(CLI::App& app, MasterFlags& flags) {
  app.add_option("--credentials", flags.credentials,
                 "holds the principal and secret for the masters, in JSON or as 'principal secret'")
      ->type_name("FILE")
      ->envname("MIMAS_CREDENTIALS");
  app.add_flag("--credentials-readable", flags.credentials_readable,
               "take that file even if others than its owner may read it");
}

}  // namespace

void add_master_flags(CLI::App& app, MasterFlags& flags) {
  app.add_option("--master", flags.master,
                 "the Mesos masters, or the ZooKeeper ensemble that knows them: "
                 "zk://[USER:PASSWORD@]HOST:PORT,…/PATH")
      ->type_name("HOST:PORT[,…]")
      ->envname("MIMAS_MASTER");
  app.add_option("--master-host-map", flags.host_map,
                 "where masters are whose names mean nothing here, as in 'leader.internal=10.0.0.5'")
      ->type_name("NAME=HOST[,…]")
      ->envname("MIMAS_MASTER_HOST_MAP");
  app.add_flag("--master-tls", flags.tls, "reach the masters by TLS; the same as writing https://");
  app.add_option("--master-ca", flags.ca, "authorities to trust for them, in PEM; default: the system's")
      ->type_name("FILE")
      ->envname("MIMAS_MASTER_CA");
  app.add_option("--master-tls-ciphers", flags.ciphers,
                 "TLS 1.2 ciphers to take instead of the safe ones; a Mesos at its defaults needs AES128-SHA")
      ->type_name("LIST")
      ->envname("MIMAS_MASTER_TLS_CIPHERS");
  add_credentials_flags(app, flags);
  app.add_option("--credentials-hosts", flags.credentials_hosts,
                 "masters that may get them besides those of --master, should a redirect lead there")
      ->type_name("HOST:PORT[,…]")
      ->envname("MIMAS_CREDENTIALS_HOSTS");
}

Status take_master_flags(const MasterFlags& flags, server::ServerOptions& options) {
  if (Status taken = take_location(flags, options); !taken) return taken;
  auto map = wire::HostMap::parse(flags.host_map);
  if (!map) return usage_error("--master-host-map", std::move(map).error());
  options.master_access.host_map = std::move(*map);
  if (Status taken = take_tls(flags, options.master_access); !taken) return taken;
  return take_credentials(flags, options.master_access);
}

}  // namespace mimas::cli
