// The client's side of REST /v2: one request, and either the body or an Error whose message is fit to print:
// the server's own sentence and, each on a line of its own, all the faults it named. One thread at a time.
// problem_error is pure and tested in tests/cli/rest_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"
#include "net/http_client.h"

namespace mimas::cli {

// A 4xx or 5xx answer as an Error; bodies that are no problem document (a proxy's page) answer by the status
// alone.
Error problem_error(int status, std::string_view body);

class Rest {
 public:
  explicit Rest(const wire::Endpoint& server, net::Timeouts timeouts = {});

  Result<std::string> get(const std::string& target);
  Result<std::string> post(const std::string& target, std::string body);  // JSON in and out; never sent twice

  Result<std::string> remove(const std::string& target);  // DELETE; never sent twice

  // The body's bytes as they come, until the end or `take` answers false. Silence lasts as long as it lasts.
  Status stream(const std::string& target, const std::function<bool(std::string_view)>& take);

 private:
  Result<std::string> exchange(wire::Request request, bool repeatable);
  wire::Request request(std::string method, const std::string& target) const;
  Error transport_error(const Error& from) const;
  wire::Endpoint server_;
  net::HttpClient client_;
};

// The JSON of an answer. A server that breaks its own protocol is Code::protocol.
Result<json::Document> parse_answer(const std::string& body);

}  // namespace mimas::cli
