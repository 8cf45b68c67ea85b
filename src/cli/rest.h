// The client's side of REST /v2: one request, and either the body or an Error whose message is fit to print:
// the server's own sentence and, each on a line of its own, all the faults it named. Whom it speaks for is
// sent with every request and appears in no message. One thread at a time. problem_error is pure and tested
// in tests/cli/rest_test.cc, the rest in tests/e2e/cli_test.py.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/client_requests.h"
#include "json/value.h"
#include "net/http_client.h"

namespace mimas::cli {

// A 4xx or 5xx answer as an Error; bodies that are no problem document (a proxy's page) answer by the status
// alone.
Error problem_error(int status, std::string_view body);

class Rest {
 public:
  // Reads the files that the client names. Sends nothing yet.
  static Result<Rest> open(const Client& client, net::Timeouts timeouts = {});

  Result<std::string> get(const std::string& target);
  Result<std::string> post(const std::string& target, std::string body);  // JSON in and out; never sent twice

  Result<std::string> remove(const std::string& target);  // DELETE; never sent twice

  // Any method with any headers. Only a GET is repeated when a kept-alive connection turns out dead.
  Result<std::string> ask(const std::string& method, const std::string& target, std::string body,
                          const std::vector<wire::Header>& headers);

  // The body's bytes as they come, until the end or `take` answers false. Silence lasts as long as it lasts.
  Status stream(const std::string& target, const std::function<bool(std::string_view)>& take);

  // A stream in steps: the answer's head, then bytes (net::HttpClient::read_stream) until close().
  Status open_stream(const std::string& target, const std::vector<wire::Header>& headers);
  Result<bool> read_stream(std::string& into, std::int64_t timeout_ms);
  void close() { client_.close(); }

 private:
  Rest(const Client& client, net::HttpClient http, std::string authorization);
  Result<std::string> exchange(wire::Request request, bool repeatable);
  wire::Request request(std::string method, const std::string& target) const;
  Error transport_error(const Error& from) const;
  wire::Endpoint server_;
  net::HttpClient client_;
  std::string authorization_;
};

// The JSON of an answer. A server that breaks its own protocol is Code::protocol.
Result<json::Document> parse_answer(const std::string& body);

}  // namespace mimas::cli
