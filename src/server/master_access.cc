#include "server/master_access.h"

#include "net/tls.h"

namespace mimas::server {

Status apply(const MasterAccess& access, mesos::DriverOptions& options) {
  if (access.zookeeper) options.masters.clear();
  if (!access.host_map.empty()) {
    options.rewrite = [map = access.host_map](const wire::Endpoint& master) { return map.apply(master); };
  }
  if (access.tls) {
    auto security = net::tls_client({access.ca_file, access.ciphers});
    if (!security) return std::move(security).error();
    options.tls = true;
    options.security = *std::move(security);
  }
  options.credential_hosts = access.credentials_hosts;
  if (access.credentials.empty()) return Done{};
  if (Status fine = wire::check_credentials(access.credentials); !fine) return fine;
  options.principal = access.credentials.principal;
  options.authorization = wire::basic_authorization(access.credentials);
  return Done{};
}

AgentAccess agent_access(const MasterAccess& access) {
  if (access.credentials.empty()) return {};
  return {wire::basic_authorization(access.credentials), access.credentials_hosts};
}

std::string warning(const MasterAccess& access) {
  if (access.tls && !access.ciphers.empty())
    return "TLS to the masters takes the ciphers '" + access.ciphers +
           "' by --master-tls-ciphers, which may be weak";
  if (!access.tls && !access.credentials.empty())
    return "the credentials of principal '" + access.credentials.principal +
           "' travel readable by anybody on the way, because the masters are not reached by TLS";
  return "";
}

}  // namespace mimas::server
