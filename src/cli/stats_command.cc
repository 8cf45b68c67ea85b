// `mimas stats`: once, or again and again until it is interrupted.
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

#include "base/ids.h"
#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/print.h"
#include "cli/rest.h"
#include "cli/show.h"
#include "cli/stats_text.h"
#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::chrono::seconds kWatchPause{2};
constexpr int kWatchFailuresMax = 30;  // in a row: outlasts a restart of the server by a minute
constexpr std::string_view kClearScreen = "\x1b[H\x1b[2J";

}  // namespace

Result<int> show_stats(const ShowStats& command) {
  Result<Rest> opened = Rest::open(command.client);
  if (!opened.ok()) return opened.error();
  Rest rest = *std::move(opened);
  const char* kind = parse_task_id(command.id).ok() ? "/v2/tasks/" : "/v2/jobs/";
  const std::string target = kind + wire::percent_encode(command.id) + "/stats";
  const bool clear = command.watch && !command.client.json && ::isatty(STDOUT_FILENO) == 1;
  for (int failures = 0;;) {
    const Result<std::string> body = rest.get(target);
    if (!body.ok()) {
      const bool may_return = body.error().code == Code::unavailable || body.error().code == Code::timeout;
      if (!command.watch || !may_return || ++failures >= kWatchFailuresMax) return body.error();
      if (failures == 1) complain(body.error().message + "; trying again");
    } else {
      failures = 0;
      const Result<json::Document> parsed = parse_answer(*body);
      if (!parsed.ok()) return parsed.error();
      const std::string text =
          command.client.json ? *body + "\n" : stats_table(parsed->root(), look_of(command.client).colour);
      const Status printed = print((clear ? std::string(kClearScreen) : std::string()) + text);
      if (!printed.ok()) return printed.error();
      if (!command.watch) return kExitOk;
    }
    std::this_thread::sleep_for(kWatchPause);
  }
}

}  // namespace mimas::cli
