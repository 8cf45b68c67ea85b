// One answer of the server, shown as the client asked for: a table, ids alone, or the JSON as it came. Also
// again and again, whenever something changes.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "cli/client_requests.h"
#include "cli/rest.h"
#include "json/value.h"

namespace mimas::cli {

struct Look {
  bool colour = false;
  bool wide = false;
  Instant now;  // what ages are counted to
};
Look look_of(const Client& client);  // looks at stdout and NO_COLOR

using Text = std::function<std::string(json::Value, Look)>;

Status print_json(const std::string& body);  // ends in a newline
Status print_answer(const Client& client, const std::string& body, const Text& text);

Result<int> show(const Client& client, const std::string& target, const Text& text);

// Until interrupted, or until `ended` says that nothing more will come. `events`: what to listen to, as
// ChangeFeed takes it. A server that goes away is waited for a while.
Result<int> watch(const Client& client, const std::string& target, const std::string& events,
                  const Text& text, const std::function<bool(json::Value)>& ended);

}  // namespace mimas::cli
