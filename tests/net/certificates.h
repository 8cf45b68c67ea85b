// Certificates made on the spot, for tests of TLS: an authority, and what it signs, as files in a directory
// that goes when the test ends.
#pragma once

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace mimas::test {

struct Certificate {
  std::string file;
  std::string key_file;
};

class Authority {
 public:
  Authority() : key_(EVP_RSA_gen(2048)), certificate_(X509_new()) {
    char path[] = "/tmp/mimas-tls-XXXXXX";
    REQUIRE(::mkdtemp(path) != nullptr);
    directory_ = path;
    fill(certificate_, key_, "test authority", 3600);
    extend(certificate_, certificate_, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate_, certificate_, NID_key_usage, "critical,keyCertSign");
    REQUIRE(X509_sign(certificate_, key_, EVP_sha256()) > 0);
    write(file(), certificate_, nullptr);
  }
  ~Authority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  std::string file() const { return directory_ + "/ca.pem"; }
  const std::string& directory() const { return directory_; }

  // `names` as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1". A negative life has already ended.
  Certificate sign(const std::string& names, long seconds = 3600) {
    EVP_PKEY* key = EVP_RSA_gen(2048);
    X509* certificate = X509_new();
    fill(certificate, key, "test server", seconds);
    extend(certificate, certificate_, NID_subject_alt_name, names.c_str());
    REQUIRE(X509_sign(certificate, key_, EVP_sha256()) > 0);
    const std::string base = directory_ + "/server" + std::to_string(++signed_);
    const Certificate out{base + ".pem", base + ".key"};
    write(out.file, certificate, nullptr);
    write(out.key_file, nullptr, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return out;
  }

 private:
  void fill(X509* certificate, EVP_PKEY* key, const char* name, long seconds) {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(certificate), seconds < 0 ? 2 * seconds : -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), seconds);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_NAME* const issuer =
        certificate_ == nullptr ? X509_get_subject_name(certificate) : X509_get_subject_name(certificate_);
    X509_set_issuer_name(certificate, issuer);
  }
  static void extend(X509* certificate, X509* issuer, int what, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    REQUIRE(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static void write(const std::string& path, X509* certificate, EVP_PKEY* key) {
    std::FILE* const file = std::fopen(path.c_str(), "w");
    REQUIRE(file != nullptr);
    if (certificate != nullptr) PEM_write_X509(file, certificate);
    if (key != nullptr) PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }

  std::string directory_;
  EVP_PKEY* key_;
  X509* certificate_;
  long serial_ = 0;
  int signed_ = 0;
};

}  // namespace mimas::test
