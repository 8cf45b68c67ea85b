// `mimas events`: what happens, as it happens, until interrupted. After a cut it goes on where it was.
#include <chrono>
#include <string>
#include <thread>

#include "base/time.h"
#include "cli/change_feed.h"
#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/history_text.h"
#include "cli/print.h"
#include "cli/show.h"
#include "cli/sse.h"
#include "json/writer.h"
#include "net/clock.h"

namespace mimas::cli {
namespace {

constexpr std::chrono::milliseconds kPause{500};
constexpr int kFailuresMax = 60;  // in a row: outlasts a restart of the server by half a minute
constexpr std::int64_t kSilenceMs = 60'000;

std::string query_of(const Events& command) {
  std::string query;
  const auto list = [&](const char* name, const std::vector<std::string>& terms) {
    std::string text;
    for (const std::string& term : terms) text += (text.empty() ? "" : ",") + term;
    add_parameter(query, name, text);
  };
  add_parameter(query, "job", command.job);
  add_parameter(query, "app", command.app);
  add_parameter(query, "type", command.type);
  list("label", command.labels);
  list("kind", command.kinds);
  if (!command.snapshot) add_parameter(query, "snapshot", "false");
  return query.empty() ? "" : "?" + query;
}

Status show_event(const Events& command, const ServerEvent& event, bool colour) {
  if (command.client.json) {
    json::Writer out;
    out.begin_object().member("event", event.kind);
    if (!event.id.empty()) out.member("id", event.id);
    if (json::parse(event.data).ok()) {
      out.member_raw("data", event.data);
    } else {
      out.member("data", event.data);
    }
    out.end_object();
    return print(out.take() + "\n");
  }
  if (event.kind == "snapshotEnd") return Done{};  // for programs
  const Result<json::Document> data = parse_answer(event.data);
  const std::string at = format_rfc3339(net::wall_now()).substr(11, 8);
  const std::string line = data.ok() ? event_line(event.kind, data->root(), colour) : event.kind;
  return print(at + "  " + line + "\n");
}

enum class Next { go_on, done };

// One connection, until it is cut. `last` is the id of the event that was shown last.
Result<Next> listen(Rest& rest, const Events& command, std::string& last, int& failures) {
  std::vector<wire::Header> headers{{"Accept", "text/event-stream"}};
  if (!last.empty()) headers.push_back({"Last-Event-ID", last});
  if (const Status opened = rest.open_stream("/v2/events" + query_of(command), headers); !opened.ok())
    return opened.error();
  EventParser parser;
  const bool colour = look_of(command.client).colour;
  for (;;) {
    std::string bytes;
    const Result<bool> more = rest.read_stream(bytes, kSilenceMs);
    if (!more.ok()) return more.error();  // heartbeats come more often: silence is a cut, too
    const Result<std::vector<ServerEvent>> events = parser.take(bytes);
    if (!events.ok()) return events.error();
    for (const ServerEvent& event : *events) {
      failures = 0;
      if (!event.id.empty()) last = event.id;
      if (const Status shown = show_event(command, event, colour); !shown.ok()) return shown.error();
      if (command.once && event.kind == "snapshotEnd") return Next::done;
    }
    if (!*more) return Next::go_on;
  }
}

}  // namespace

Result<int> print_events(const Events& command) {
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
  std::string last = command.since;
  for (int failures = 0;;) {
    const Result<Next> next = listen(*rest, command, last, failures);
    if (next.ok() && *next == Next::done) return kExitOk;
    if (!next.ok()) {
      const Code code = next.error().code;
      const bool may_return = code == Code::unavailable || code == Code::timeout;
      if (!may_return || last.empty() || ++failures >= kFailuresMax) return next.error();
      if (failures == 1) complain(next.error().message + "; trying again");
    }
    rest->close();
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace mimas::cli
