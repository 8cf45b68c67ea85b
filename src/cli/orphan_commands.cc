// `mimas orphans`: what runs unknown to the server, and what shall become of it.
#include <string>

#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/job_text.h"
#include "cli/print.h"
#include "cli/rest.h"
#include "json/writer.h"

namespace mimas::cli {
namespace {

Result<int> shown(const Client& client, const std::string& body, std::string (*text)(json::Value, bool)) {
  const Result<json::Document> parsed = parse_answer(body);
  if (!parsed.ok()) return parsed.error();
  const Status printed = print(client.json ? body + "\n" : text(parsed->root(), colour_wanted()));
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

}  // namespace

Result<int> orphans(const Orphans& command) {
  Rest rest(command.client.server);
  if (command.what == Orphans::What::list) {
    const Result<std::string> list = rest.get("/v2/orphans");
    if (!list.ok()) return list.error();
    return shown(command.client, *list, orphans_table);
  }
  json::Writer body;
  body.begin_object().member("user", own_user());
  if (command.all) body.member("all", true);
  if (!command.ids.empty()) {
    body.key("taskIds").begin_array();
    for (const std::string& id : command.ids) body.string(id);
    body.end_array();
  }
  body.end_object();
  const bool adopt = command.what == Orphans::What::adopt;
  const Result<std::string> answer = rest.post(adopt ? "/v2/orphans/adopt" : "/v2/orphans/kill", body.take());
  if (!answer.ok()) return answer.error();
  return shown(command.client, *answer, decided_text);
}

}  // namespace mimas::cli
