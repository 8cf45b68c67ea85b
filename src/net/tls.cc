#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <algorithm>
#include <limits>
#include <utility>

namespace mimas::net {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};
using ContextHandle = std::unique_ptr<SSL_CTX, FreeContext>;
using SessionHandle = std::unique_ptr<SSL, FreeSession>;

// The oldest error of this thread's queue, which is then emptied.
std::string library_text() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no reason given" : reason;
}

bool is_numeric_address(const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

class TlsSession final : public SecureSession {
 public:
  TlsSession(SessionHandle session, BIO* arriving, BIO* leaving)
      : session_(std::move(session)), arriving_(arriving), leaving_(leaving) {}

  Status take(std::string_view arrived) override {
    while (!arrived.empty()) {
      const int put = BIO_write(arriving_, arrived.data(), int_size(arrived.size()));
      if (put <= 0) return failed();
      arrived.remove_prefix(static_cast<std::size_t>(put));
    }
    return Done{};
  }

  std::string give() override {
    std::string out(BIO_ctrl_pending(leaving_), '\0');
    if (out.empty()) return out;
    const int got = BIO_read(leaving_, out.data(), int_size(out.size()));
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }

  Result<bool> shake_hands() override {
    ERR_clear_error();
    const int done = SSL_do_handshake(session_.get());
    if (done == 1) return true;
    if (SSL_get_error(session_.get(), done) == SSL_ERROR_WANT_READ) return false;
    return handshake_failed();
  }

  Result<std::size_t> read(char* into, std::size_t size) override {
    ERR_clear_error();
    std::size_t got = 0;
    const int done = SSL_read_ex(session_.get(), into, size, &got);
    if (done == 1) return got;
    switch (SSL_get_error(session_.get(), done)) {
      case SSL_ERROR_WANT_READ: return std::size_t{0};
      case SSL_ERROR_ZERO_RETURN: return std::size_t{0};
      default: return failed();
    }
  }

  bool ended() const override { return (SSL_get_shutdown(session_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

  bool readable() override {
    ERR_clear_error();
    char one = 0;
    std::size_t got = 0;
    const int done = SSL_peek_ex(session_.get(), &one, 1, &got);
    if (done == 1) return true;
    const bool waits = SSL_get_error(session_.get(), done) == SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return !waits;
  }

  Status write(std::string_view plain) override {
    while (!plain.empty()) {
      ERR_clear_error();
      std::size_t put = 0;
      if (SSL_write_ex(session_.get(), plain.data(), plain.size(), &put) != 1) return failed();
      plain.remove_prefix(put);
    }
    return Done{};
  }

  std::string peer_name() const override {
    X509* const shown = SSL_get0_peer_certificate(session_.get());
    if (shown == nullptr || SSL_get_verify_result(session_.get()) != X509_V_OK) return {};
    X509_NAME* const subject = X509_get_subject_name(shown);
    const int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    // Of two names nobody could say which one is meant.
    if (first < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) return {};
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)));
    std::string name =
        size > 0 ? std::string(reinterpret_cast<char*>(text), static_cast<std::size_t>(size)) : "";
    OPENSSL_free(text);
    ERR_clear_error();
    const bool plain =
        std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
    return plain ? name : std::string();
  }

  void end() override {
    if (SSL_is_init_finished(session_.get()) == 1) SSL_shutdown(session_.get());
    ERR_clear_error();
  }

 private:
  static int int_size(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
  }
  static Error failed() { return make_error(Code::protocol, "TLS failed: " + library_text()); }

  // What went wrong, in the words of whoever can mend it.
  Error handshake_failed() {
    const unsigned long code = ERR_peek_error();
    const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    const long verified = SSL_get_verify_result(session_.get());
    std::string text = library_text();
    if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH) {
      return make_error(
          Code::protocol, "the certificate is not for this host", {},
          "reach it by a name that stands in its certificate, or give it one that names this host");
    }
    if (verified != X509_V_OK) {
      return make_error(
          Code::protocol,
          std::string("the certificate is not trusted: ") + X509_verify_cert_error_string(verified), {},
          "name the authority that signed it");
    }
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST) {
      return make_error(Code::protocol, "the other side does not speak TLS", {},
                        "is this the right port and scheme?");
    }
    const bool no_cipher = reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE ||
                           reason == SSL_R_NO_SHARED_CIPHER ||
                           reason == SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY;
    return make_error(Code::protocol, "no TLS connection: " + text, {},
                      no_cipher ? "the two sides may have no cipher in common" : "");
  }

  SessionHandle session_;  // owns both of these
  BIO* arriving_;
  BIO* leaving_;
};

class TlsSecurity final : public Security {
 public:
  TlsSecurity(ContextHandle context, bool server) : context_(std::move(context)), server_(server) {}

  Result<std::unique_ptr<SecureSession>> begin(const std::string& peer) const override {
    SessionHandle session(SSL_new(context_.get()));
    BIO* const arriving = BIO_new(BIO_s_mem());
    BIO* const leaving = BIO_new(BIO_s_mem());
    if (session == nullptr || arriving == nullptr || leaving == nullptr) {
      BIO_free(arriving);
      BIO_free(leaving);
      return make_error(Code::resource_exhausted, "no memory for a TLS session");
    }
    SSL_set_bio(session.get(), arriving, leaving);
    if (server_) {
      SSL_set_accept_state(session.get());
    } else {
      SSL_set_connect_state(session.get());
      if (Status named = expect(session.get(), peer); !named) return std::move(named).error();
    }
    return std::unique_ptr<SecureSession>(
        std::make_unique<TlsSession>(std::move(session), arriving, leaving));
  }

 private:
  static Status expect(SSL* session, const std::string& peer) {
    X509_VERIFY_PARAM* const wanted = SSL_get0_param(session);
    const std::string host = peer.substr(0, peer.find('%'));  // the zone is ours, not the peer's
    bool set = false;
    if (is_numeric_address(host)) {
      set = X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1;
    } else if (!host.empty() && host.find('\0') == std::string::npos) {
      X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      set = X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1 &&
            SSL_set_tlsext_host_name(session, host.c_str()) == 1;
    }
    ERR_clear_error();
    if (set) return Done{};
    return make_error(Code::invalid_argument, "not a host that a certificate can name", peer);
  }

  ContextHandle context_;
  bool server_;
};

Result<ContextHandle> make_context(const SSL_METHOD* method, const std::string& ciphers) {
  ERR_clear_error();
  ContextHandle context(SSL_CTX_new(method));
  if (context == nullptr) return make_error(Code::internal, "no TLS context: " + library_text());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_set_cipher_list(context.get(), ciphers.empty() ? kTlsCiphers : ciphers.c_str()) != 1) {
    ERR_clear_error();
    return make_error(Code::invalid_argument, "no such TLS ciphers", ciphers, "see openssl-ciphers(1)");
  }
  return context;
}

Error bad_file(const std::string& file, const char* what) {
  return make_error(Code::invalid_argument, std::string(what) + ": " + library_text(), file);
}

// Who we are, to a peer that asks.
Status show_certificate(SSL_CTX* context, const std::string& certificate_file, const std::string& key_file) {
  // A key with a pass phrase must fail, not ask on the terminal.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1)
    return bad_file(certificate_file, "no certificate in PEM can be read from it");
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad_file(key_file, "no private key in PEM for the certificate can be read from it");
  return Done{};
}

}  // namespace

Result<std::shared_ptr<const Security>> tls_client(const TlsClientOptions& options) {
  auto context = make_context(TLS_client_method(), options.ciphers);
  if (!context) return std::move(context).error();
  SSL_CTX* const raw = context->get();
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  // A file may also hold the very certificate of the peer, rather than that of an authority.
  if (!options.ca_file.empty())
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(raw), X509_V_FLAG_PARTIAL_CHAIN);
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(raw) != 1)
      return bad_file("", "the system's list of trusted authorities cannot be read");
  } else if (SSL_CTX_load_verify_file(raw, options.ca_file.c_str()) != 1) {
    return bad_file(options.ca_file, "no certificates in PEM can be read from it");
  }
  if (!options.certificate_file.empty()) {
    if (Status shown = show_certificate(raw, options.certificate_file, options.key_file); !shown)
      return std::move(shown).error();
  }
  return std::shared_ptr<const Security>(std::make_shared<TlsSecurity>(*std::move(context), false));
}

Result<std::shared_ptr<const Security>> tls_server(const TlsServerOptions& options) {
  auto context = make_context(TLS_server_method(), options.ciphers);
  if (!context) return std::move(context).error();
  SSL_CTX* const raw = context->get();
  if (!options.ciphers.empty()) SSL_CTX_set_max_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_num_tickets(raw, 0);
  if (Status shown = show_certificate(raw, options.certificate_file, options.key_file); !shown)
    return std::move(shown).error();
  if (!options.client_ca_file.empty()) {
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(raw), X509_V_FLAG_PARTIAL_CHAIN);
    STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(options.client_ca_file.c_str());
    if (names == nullptr || SSL_CTX_load_verify_file(raw, options.client_ca_file.c_str()) != 1)
      return bad_file(options.client_ca_file, "no certificates in PEM can be read from it");
    SSL_CTX_set_client_CA_list(raw, names);  // takes it over
  }
  return std::shared_ptr<const Security>(std::make_shared<TlsSecurity>(*std::move(context), true));
}

}  // namespace mimas::net
