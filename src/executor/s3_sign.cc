#include "executor/s3_sign.h"

#include "base/sha256.h"
#include "wire/endpoint.h"

namespace mimas::executor {

std::string amz_date(Instant at) {
  std::string out;
  for (const char c : format_rfc3339(at).substr(0, 19)) {  // 2013-05-24T00:00:00
    if (c != '-' && c != ':') out += c;
  }
  return out + "Z";
}

std::string query_text(const S3Request& request) {
  std::string out;
  for (const auto& [name, value] : request.query) {
    if (!out.empty()) out += '&';
    out.append(wire::percent_encode(name)).append("=").append(wire::percent_encode(value));
  }
  return out;
}

std::string authorization(const S3Request& request, const S3Keys& keys, std::string_view region, Instant at) {
  std::string lines, names;
  for (const wire::Header& header : request.headers) {
    lines.append(header.name).append(":").append(header.value).append("\n");
    if (!names.empty()) names += ';';
    names += header.name;
  }
  std::string canonical = request.method;
  canonical.append("\n").append(request.path).append("\n").append(query_text(request)).append("\n");
  canonical.append(lines).append("\n").append(names).append("\n").append(request.payload_sha256);

  const std::string date = amz_date(at);
  const std::string day = date.substr(0, 8);
  const std::string scope = day + "/" + std::string(region) + "/s3/aws4_request";
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex(sha256(canonical));

  Digest256 key = hmac_sha256("AWS4" + keys.secret, day);
  for (const std::string_view part : {region, std::string_view("s3"), std::string_view("aws4_request")}) {
    key = hmac_sha256(as_bytes(key), part);
  }
  std::string out = "AWS4-HMAC-SHA256 Credential=" + keys.access + "/" + scope;
  out.append(", SignedHeaders=").append(names);
  out.append(", Signature=").append(hex(hmac_sha256(as_bytes(key), to_sign)));
  return out;
}

}  // namespace mimas::executor
