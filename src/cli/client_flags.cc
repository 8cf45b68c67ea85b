#include "cli/client_flags.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <utility>

#include "cli/usage_error.h"

namespace mimas::cli {
namespace {

constexpr std::uint16_t kApiPort = 7101;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_header_text(const std::string& text) {
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  return true;
}

// "https://h:1/", "http://h", "h:1" → the endpoint, and whether it is reached by TLS.
Status take_server(const std::string& text, Client& client) {
  std::string address = text;
  const std::size_t colon = address.find("://");
  if (colon != std::string::npos) {
    const std::string scheme = address.substr(0, colon);
    if (scheme != "http" && scheme != "https")
      return usage_error("--server", "begins with http:// or https://, not with '" + scheme + "://'");
    client.tls = scheme == "https";
    address.erase(0, colon + 3);
    if (address.ends_with('/')) address.pop_back();
  }
  Result<wire::Endpoint> server = wire::parse_endpoint(address, kApiPort);
  if (!server.ok()) return usage_error("--server", server.error());
  client.server = *server;
  return Done{};
}

Status take_identity(const ClientFlags& flags, Client& client) {
  const int named = !flags.token.empty() + !flags.token_file.empty() + !flags.login_file.empty();
  if (named > 1)
    return usage_error("--token, --token-file, --login-file", "say who asks: one of them is enough");
  client.token = flags.token;
  client.token_file = flags.token_file;
  client.login_file = flags.login_file;
  if (named == 0) client.token = variable("MIMAS_TOKEN");
  if (named == 0 && client.token.empty()) client.token_file = variable("MIMAS_TOKEN_FILE");
  if (named == 0 && client.token.empty() && client.token_file.empty())
    client.login_file = variable("MIMAS_LOGIN_FILE");
  if (!is_header_text(client.token))
    return usage_error("--token or MIMAS_TOKEN", "holds characters that a token cannot have");
  return Done{};
}

Status take_tls(const ClientFlags& flags, Client& client) {
  const bool anything = !flags.ca.empty() || !flags.certificate.empty() || !flags.key.empty();
  if (anything && !client.tls)
    return usage_error("--ca, --client-cert, --client-key", "go with --server https://…");
  if (flags.certificate.empty() != flags.key.empty())
    return usage_error("--client-cert", "goes with --client-key, and the other way round");
  client.ca_file = flags.ca;
  client.certificate_file = flags.certificate;
  client.key_file = flags.key;
  return Done{};
}

Status take_output(const ClientFlags& flags, Client& client) {
  const int said = (flags.output != "table") + flags.quiet + flags.json;
  if (said > 1) return usage_error("--output, --quiet, --json", "contradict each other");
  client.output = flags.json || flags.output == "json"    ? Output::json
                  : flags.quiet || flags.output == "name" ? Output::name
                  : flags.output == "wide"                ? Output::wide
                                                          : Output::table;
  client.json = client.output == Output::json;
  client.colour = flags.colour == "always"  ? Colour::always
                  : flags.colour == "never" ? Colour::never
                                            : Colour::automatic;
  return Done{};
}

}  // namespace

CLI::Option* one_of(CLI::Option* option, std::vector<std::string> words, Hints& hints) {
  option->check(CLI::IsMember(words));
  // The validator's own text would list the words once more in the help.
  option->get_validator()->description("");
  hints[option] = Hint{Subject::words, std::move(words)};
  return option;
}

CLI::Option* id_of(CLI::Option* option, Subject subject, Hints& hints) {
  hints[option] = Hint{subject, {}};
  return option;
}

CLI::Option* within(CLI::Option* option, std::int64_t least, std::int64_t most) {
  option->check(CLI::Range(least, most));
  option->get_validator()->description("");  // as above
  return option;
}

void add_client_flags(CLI::App& app, ClientFlags& flags, Hints& hints) {
  const std::string group = "Connection";
  app.add_option("--server", flags.server, "the mimas server, HOST:PORT or https://HOST:PORT")
      ->type_name("ADDRESS")
      ->capture_default_str()
      ->envname("MIMAS_SERVER")
      ->group(group);
  app.add_option("--token", flags.token,
                 "who asks: a token, or MIMAS_TOKEN; on a command line others of this machine can read it")
      ->type_name("TOKEN")
      ->group(group);
  app.add_option("--token-file", flags.token_file, "holds the token, or MIMAS_TOKEN_FILE")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--login-file", flags.login_file, "holds USER:PASSWORD, or MIMAS_LOGIN_FILE")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--ca", flags.ca, "authorities to trust for https, in PEM; default: the system's")
      ->type_name("FILE")
      ->envname("MIMAS_CA")
      ->group(group);
  app.add_option("--client-cert", flags.certificate, "a certificate to show to the server, in PEM")
      ->type_name("FILE")
      ->envname("MIMAS_CLIENT_CERT")
      ->group(group);
  app.add_option("--client-key", flags.key, "its private key, in PEM")
      ->type_name("FILE")
      ->envname("MIMAS_CLIENT_KEY")
      ->group(group);
  app.add_flag("--json", flags.json, "print JSON for programs");
  one_of(app.add_option("--color", flags.colour,
                        "auto, always or never; auto: on a terminal, unless NO_COLOR is set")
             ->type_name("WHEN")
             ->capture_default_str(),
         {"auto", "always", "never"}, hints);
}

void add_output_flags(CLI::App& app, ClientFlags& flags, Hints& hints) {
  one_of(app.add_option("-o,--output", flags.output, "table, wide, name (ids alone) or json")
             ->type_name("FORM")
             ->capture_default_str(),
         {"table", "wide", "name", "json"}, hints);
  app.add_flag("-q,--quiet", flags.quiet, "ids alone; the same as -o name");
}

Result<Client> to_client(const ClientFlags& flags) {
  Client client;
  if (const Status taken = take_server(flags.server, client); !taken.ok()) return taken.error();
  if (const Status taken = take_identity(flags, client); !taken.ok()) return taken.error();
  if (const Status taken = take_tls(flags, client); !taken.ok()) return taken.error();
  if (const Status taken = take_output(flags, client); !taken.ok()) return taken.error();
  return client;
}

}  // namespace mimas::cli
