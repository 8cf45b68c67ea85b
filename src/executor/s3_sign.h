// AWS Signature Version 4 for S3, in the Authorization header. Pure. Tested with the examples of AWS's own
// documentation ("Authenticating Requests: Using the Authorization Header") in tests/executor/s3_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "wire/http.h"

namespace mimas::executor {

struct S3Keys {
  std::string access, secret;
};

struct S3Request {
  std::string method;
  std::string path;                                        // percent-encoded
  std::vector<std::pair<std::string, std::string>> query;  // not encoded, sorted by name
  std::vector<wire::Header>
      headers;                 // lower case, sorted by name, with host, x-amz-date, x-amz-content-sha256
  std::string payload_sha256;  // hex
};

std::string amz_date(Instant at);                  // "20130524T000000Z"
std::string query_text(const S3Request& request);  // "a=b&uploads=", percent-encoded
std::string authorization(const S3Request& request, const S3Keys& keys, std::string_view region, Instant at);

}  // namespace mimas::executor
