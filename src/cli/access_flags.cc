#include "cli/access_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "cli/usage_error.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::uint16_t kApiPort = 7101;

// "http://host:port" with what stands before it kept.
Status take_advertise(const std::string& text, server::ServerOptions& options) {
  if (text.empty()) return Done{};
  std::string scheme;
  for (const char* known : {"http://", "https://"}) {
    if (text.starts_with(known)) scheme = known;
  }
  auto advertise = wire::parse_endpoint(text.substr(scheme.size()), kApiPort);
  if (!advertise) return usage_error("--advertise", std::move(advertise).error());
  options.advertise = scheme + advertise->text();
  options.access.host_names.push_back(advertise->host);
  return Done{};
}

// Beyond int they are beyond the bounds too, which check_access names.
int bounded(std::int64_t value) { return static_cast<int>(std::clamp<std::int64_t>(value, -1, INT32_MAX)); }

}  // namespace

void add_access_flags(CLI::App& app, AccessFlags& flags, bool short_tls_names) {
  const auto names = [short_tls_names](const std::string& name) {
    return short_tls_names ? "--" + name + ",--api-" + name : "--api-" + name;
  };
  app.add_option("--listen", flags.listen,
                 "where the API listens, and what everybody is there who says nothing else; repeatable")
      ->type_name("[https://]IP:PORT[=ROLE]")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str()
      ->envname("MIMAS_LISTEN");
  app.add_option("--advertise", flags.advertise,
                 "where agents reach this server; default: the address it listens on")
      ->type_name("[http://]HOST:PORT")
      ->envname("MIMAS_ADVERTISE");
  app.add_option("--api-credentials", flags.credentials,
                 "who may use the API, and as what: a file that `mimas token` keeps")
      ->type_name("FILE")
      ->envname("MIMAS_API_CREDENTIALS");
  app.add_flag("--insecure", flags.insecure,
               "listen on addresses that others reach without asking anybody who they are")
      ->envname("MIMAS_INSECURE");
  app.add_option(names("tls-cert"), flags.tls_cert, "the API speaks TLS with this certificate, in PEM")
      ->type_name("FILE")
      ->envname("MIMAS_API_TLS_CERT");
  app.add_option(names("tls-key"), flags.tls_key, "its private key, in PEM")
      ->type_name("FILE")
      ->envname("MIMAS_API_TLS_KEY");
  app.add_option(names("tls-client-ca"), flags.tls_client_ca,
                 "authorities whose certificates say who a client is, in PEM")
      ->type_name("FILE")
      ->envname("MIMAS_API_TLS_CLIENT_CA");
  app.add_option("--cors-origin", flags.cors_origins, "pages of this origin may use the API; repeatable")
      ->type_name("https://HOST")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->envname("MIMAS_CORS_ORIGIN");
  app.add_option("--http-host", flags.host_names,
                 "the API answers to this name besides addresses and the machine's own; repeatable")
      ->type_name("NAME")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->envname("MIMAS_HTTP_HOST");
  app.add_option("--http-connections", flags.connections, "at once, of each address that is listened on")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--http-connections-per-address", flags.connections_per_address,
                 "of these, from one address")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--http-streams", flags.streams, "of these, that follow logs or events")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--http-body-max", flags.body_max, "the largest request body that is taken")
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option("--http-replies-max", flags.replies_max,
                 "of replies on their way at once, of each address that is listened on")
      ->type_name("BYTES")
      ->capture_default_str();
}

Status take_access_flags(const AccessFlags& flags, server::ServerOptions& options) {
  server::AccessOptions& access = options.access;
  access.listen.clear();
  for (const std::string& text : flags.listen) {
    auto listen = server::parse_listen(text, kApiPort);
    if (!listen) return usage_error("--listen", std::move(listen).error());
    access.listen.push_back(*std::move(listen));
  }
  access.credentials_file = flags.credentials;
  access.insecure = flags.insecure;
  access.certificate_file = flags.tls_cert;
  access.key_file = flags.tls_key;
  access.client_ca_file = flags.tls_client_ca;
  access.cors_origins = flags.cors_origins;
  access.host_names = flags.host_names;
  access.connections_max = bounded(flags.connections);
  access.connections_per_address_max = bounded(flags.connections_per_address);
  access.streams_max = bounded(flags.streams);
  access.body_bytes_max = flags.body_max < 0 ? 0 : static_cast<std::size_t>(flags.body_max);
  access.reply_bytes_max = flags.replies_max;
  if (Status taken = take_advertise(flags.advertise, options); !taken) return taken;
  return server::check_access(access);
}

}  // namespace mimas::cli
