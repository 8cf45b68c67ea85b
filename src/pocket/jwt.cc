#include "pocket/jwt.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "base/base64.h"
#include "json/value.h"
#include "json/writer.h"

namespace mimas::pocket {
namespace {

Error bad(const char* what) { return make_error(Code::unauthenticated, std::string("Invalid JWT: ") + what); }

// RFC 7515's base64url: two other letters, no padding.
std::string encode_url(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  std::erase(text, '=');
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

Result<std::string> decode_url(std::string_view text) {
  std::string plain(text);
  if (plain.find_first_of("+/= \t\r\n") != std::string::npos) return bad("it is not base64url");
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  Result<std::string> bytes = base64_decode(plain);
  if (!bytes) return bad("it is not base64url");
  return bytes;
}

std::string sign(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  ::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &size);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

bool same_bytes(const std::string& a, const std::string& b) {  // in constant time
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<json::Document> read_part(std::string_view part) {
  const Result<std::string> text = decode_url(part);
  if (!text) return text.error();
  Result<json::Document> document = json::parse(*text);
  if (!document || !document->root().is_object()) return bad("a part of it is no JSON object");
  return document;
}

}  // namespace

std::string make_token(std::string_view key, const ContainerRef& container) {
  json::Writer claims;
  claims.begin_object().member("cid", container.container_id).member("eid", container.executor_id);
  claims.member("fid", container.framework_id).end_object();
  const std::string text = encode_url(R"({"alg":"HS256","typ":"JWT"})") + "." + encode_url(claims.take());
  return text + "." + encode_url(sign(key, text));
}

Result<ContainerRef> read_token(std::string_view key, std::string_view token) {
  if (token.size() > kTokenBytesMax) return bad("it is too long");
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return bad("it has not three parts");
  const Result<json::Document> header = read_part(token.substr(0, first));
  if (!header) return header.error();
  if (header->root().string_or("alg", "") != "HS256") return bad("its algorithm is not HS256");
  const Result<std::string> signature = decode_url(token.substr(second + 1));
  if (!signature) return signature.error();
  if (!same_bytes(*signature, sign(key, token.substr(0, second)))) return bad("its signature does not match");
  const Result<json::Document> claims = read_part(token.substr(first + 1, second - first - 1));
  if (!claims) return claims.error();
  const ContainerRef container{std::string(claims->root().string_or("fid", "")),
                               std::string(claims->root().string_or("eid", "")),
                               std::string(claims->root().string_or("cid", ""))};
  if (container.framework_id.empty() || container.executor_id.empty() || container.container_id.empty())
    return bad("it names no container");
  return container;
}

}  // namespace mimas::pocket
