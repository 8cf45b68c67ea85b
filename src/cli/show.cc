#include "cli/show.h"

#include "cli/change_feed.h"
#include "cli/exit.h"
#include "cli/facts.h"
#include "cli/print.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "net/clock.h"

namespace mimas::cli {
namespace {

constexpr int kFailuresMax = 120;  // in a row: outlasts a restart of the server by half a minute

}  // namespace

Look look_of(const Client& client) {
  const bool colour =
      client.colour == Colour::always || (client.colour == Colour::automatic && colour_wanted());
  return {colour, client.output == Output::wide, net::wall_now()};
}

Status print_json(const std::string& body) {
  return print(body.empty() || body.back() != '\n' ? body + "\n" : body);
}

Status print_answer(const Client& client, const std::string& body, const Text& text) {
  if (client.json) return print_json(body);
  const Result<json::Document> parsed = parse_answer(body);
  if (!parsed.ok()) return parsed.error();
  return print(client.output == Output::name ? ids_text(parsed->root())
                                             : text(parsed->root(), look_of(client)));
}

Result<int> show(const Client& client, const std::string& target, const Text& text) {
  Result<Rest> rest = Rest::open(client);
  if (!rest.ok()) return rest.error();
  const Result<std::string> body = rest->get(target);
  if (!body.ok()) return body.error();
  const Status printed = print_answer(client, *body, text);
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

Result<int> watch(const Client& client, const std::string& target, const std::string& events,
                  const Text& text, const std::function<bool(json::Value)>& ended) {
  Result<Rest> rest = Rest::open(client);
  if (!rest.ok()) return rest.error();
  ChangeFeed feed(client, events);
  Page page;
  std::string last;
  for (int failures = 0;;) {
    const Result<std::string> body = rest->get(target);
    if (!body.ok()) {
      const bool may_return = body.error().code == Code::unavailable || body.error().code == Code::timeout;
      if (!may_return || ++failures >= kFailuresMax) return body.error();
      if (failures == 1) complain(body.error().message + "; trying again");
    } else if (failures = 0; *body != last) {
      last = *body;
      const Result<json::Document> parsed = parse_answer(*body);
      if (!parsed.ok()) return parsed.error();
      const Look look = look_of(client);
      const Status printed = client.json                     ? print_json(*body)
                             : client.output == Output::name ? page.show(ids_text(parsed->root()))
                                                             : page.show(text(parsed->root(), look));
      if (!printed.ok()) return printed.error();
      if (ended && ended(parsed->root())) return kExitOk;
    }
    feed.wait();
  }
}

}  // namespace mimas::cli
