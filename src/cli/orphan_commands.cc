// `mimas orphans`: what runs unknown to the server, and what shall become of it.
#include <string>

#include "cli/client_commands.h"
#include "cli/exit.h"
#include "cli/job_text.h"
#include "cli/request_parts.h"
#include "cli/rest.h"
#include "cli/show.h"
#include "json/writer.h"

namespace mimas::cli {
Result<int> orphans(const Orphans& command) {
  if (command.what == Orphans::What::list) {
    return show(command.client, "/v2/orphans",
                [](json::Value list, Look look) { return orphans_table(list, look.colour); });
  }
  Result<Rest> rest = Rest::open(command.client);
  if (!rest.ok()) return rest.error();
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
  const Result<std::string> answer =
      rest->post(adopt ? "/v2/orphans/adopt" : "/v2/orphans/kill", body.take());
  if (!answer.ok()) return answer.error();
  const Status printed = print_answer(command.client, *answer, [](json::Value decided, Look look) {
    return decided_text(decided, look.colour);
  });
  if (!printed.ok()) return printed.error();
  return kExitOk;
}

}  // namespace mimas::cli
