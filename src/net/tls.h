// TLS by OpenSSL: 1.2 and 1.3, no renegotiation, no tickets, no compression. The one place that includes
// OpenSSL; not part of the executor's build. A client proves its peer against the host name it was told to
// reach (or its IP address, which the certificate then must name), and never falls back to plain
// (mesos-protocol §1.12). Thread-safe once made. Tested in tests/net/tls_test.cc with certificates made
// there.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "net/secure.h"

namespace mimas::net {

// Forward secrecy and authenticated encryption only. A Mesos master at its own defaults offers neither: it
// takes AES128-SHA and AES256-SHA alone (transcripts t*), which has to be asked for.
inline constexpr const char* kTlsCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20";

struct TlsClientOptions {
  std::string ca_file;                     // PEM, one or more certificates; empty: what the system trusts
  std::string ciphers;                     // OpenSSL's notation, of TLS 1.2; empty: kTlsCiphers
  std::string certificate_file, key_file;  // as below, for servers that ask clients who they are; empty: none
};
// Errors (invalid_argument): a file that cannot be read or holds no certificate, ciphers that do not exist.
// `where` names the file or the ciphers.
Result<std::shared_ptr<const Security>> tls_client(const TlsClientOptions& options);

struct TlsServerOptions {
  std::string certificate_file;  // PEM: the certificate, then those between it and the root
  std::string key_file;          // PEM, without a pass phrase
  std::string ciphers;  // empty: kTlsCiphers; given: TLS 1.2 with these alone, to stand in for old servers
  // PEM: authorities for the certificates of clients, or these themselves. A client that shows one that they
  // did not sign is not let in, one that shows none is: SecureSession::peer_name() tells them apart. Empty:
  // nobody is asked.
  std::string client_ca_file;
};
Result<std::shared_ptr<const Security>> tls_server(const TlsServerOptions& options);

}  // namespace mimas::net
