// Method and path pattern → handler. Patterns are literal segments and {name} captures ("/v2/jobs/{id}"); the
// most literal match wins. An unknown path is 404, a known one with another method 405 with Allow. Pure,
// immutable after set-up, then thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/listener.h"

namespace mimas::http {

using Captures = std::map<std::string, std::string, std::less<>>;
using RouteHandler = std::function<Reply(const Request&, const Captures&)>;

class Router {
 public:
  void add(std::string method, std::string pattern, RouteHandler handler);
  // Called when nothing matches: status 404 or 405, and the value for Allow.
  void set_fallback(std::function<Reply(const Request&, int status, const std::string& allow)> fallback);
  Reply route(const Request& request) const;
  std::vector<std::pair<std::string, std::string>> table()
      const;  // (method, pattern), for tests against OpenAPI

 private:
  struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;
    RouteHandler handler;
  };
  std::vector<Route> routes_;
  std::function<Reply(const Request&, int, const std::string&)> fallback_;
};

}  // namespace mimas::http
