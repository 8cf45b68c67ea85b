// The `mimas` program: reads the command line, does what it says, prints what went wrong.
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "cli/client_commands.h"
#include "cli/cluster_commands.h"
#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/exit.h"
#include "cli/fault_command.h"
#include "cli/print.h"
#include "cli/reference.h"
#include "cli/signals.h"
#include "cli/token_command.h"
#include "cli/version.h"

namespace mimas::cli {
namespace {

Status print_text(const Result<std::string>& text) { return text.ok() ? print(*text) : Status(text.error()); }

Result<int> done(const Status& printed) { return printed.ok() ? Result<int>(kExitOk) : printed.error(); }

struct Execute {
  Result<int> operator()(const Serve& command) const { return serve(command); }
  Result<int> operator()(const Dev& command) const { return dev(command); }
  Result<int> operator()(const PocketOnly& command) const { return pocket_only(command); }
  Result<int> operator()(const Run& command) const { return run_job(command); }
  Result<int> operator()(const ListJobs& command) const { return list_jobs(command); }
  Result<int> operator()(const ShowJob& command) const { return show_job(command); }
  Result<int> operator()(const ListTasks& command) const { return list_tasks(command); }
  Result<int> operator()(const ShowTask& command) const { return show_task(command); }
  Result<int> operator()(const Kill& command) const { return kill(command); }
  Result<int> operator()(const Scale& command) const { return scale(command); }
  Result<int> operator()(const SetService& command) const { return set_service(command); }
  Result<int> operator()(const SetProcesses& command) const { return set_processes(command); }
  Result<int> operator()(const Change& command) const { return change_job(command); }
  Result<int> operator()(const History& command) const { return show_history(command); }
  Result<int> operator()(const Versions& command) const { return list_versions(command); }
  Result<int> operator()(const Diff& command) const { return show_diff(command); }
  Result<int> operator()(const ListAudit& command) const { return list_audit(command); }
  Result<int> operator()(const Events& command) const { return print_events(command); }
  Result<int> operator()(const Logs& command) const { return print_logs(command); }
  Result<int> operator()(const Files& command) const { return list_files(command); }
  Result<int> operator()(const ShowStats& command) const { return show_stats(command); }
  Result<int> operator()(const ListAgents& command) const { return list_agents(command); }
  Result<int> operator()(const ShowAgent& command) const { return show_agent(command); }
  Result<int> operator()(const OrderAgents& command) const { return order_agents(command); }
  Result<int> operator()(const Why& command) const { return tell_why(command); }
  Result<int> operator()(const Plan& command) const { return plan_job(command); }
  Result<int> operator()(const ShowCluster& command) const { return show_cluster(command); }
  Result<int> operator()(const ShowPage& command) const { return show_page(command); }
  Result<int> operator()(const Backup& command) const { return back_up(command); }
  Result<int> operator()(const CollectGarbage& command) const { return collect_garbage(command); }
  Result<int> operator()(const Request& command) const { return send_request(command); }
  Result<int> operator()(const Orphans& command) const { return orphans(command); }
  Result<int> operator()(const Operations& command) const { return operations(command); }
  Result<int> operator()(const Groups& command) const { return groups(command); }
  Result<int> operator()(const Teardown& command) const { return teardown(command); }
  Result<int> operator()(const Tokens& command) const { return token(command); }
  Result<int> operator()(const OrderFault& command) const { return order_fault(command); }
  Result<int> operator()(const Version& command) const { return done(print(version_text(command.json))); }
  Result<int> operator()(const Completion& command) const {
    return done(print_text(completion_script(command.shell)));
  }
  Result<int> operator()(const Complete& command) const { return print_completions(command); }
  Result<int> operator()(const Manual& command) const {
    return done(print(command.markdown ? reference_markdown() : manual_page()));
  }
};

bool runs_on(const Command& command) {
  return std::holds_alternative<Serve>(command) || std::holds_alternative<Dev>(command) ||
         std::holds_alternative<PocketOnly>(command);
}

// The long-running commands have exit codes of their own, which a failed start must not imitate.
int failure_code(const Command& command, const Error& error) {
  return runs_on(command) ? kExitGeneric : exit_code(error.code);
}

int run(const std::vector<std::string>& arguments) {
  const CommandLine line = parse_command_line(arguments);
  if (!line.command) {
    const Status printed = print(line.output);
    complain_raw(line.error);
    return printed.ok() ? line.exit_code : kExitGeneric;
  }
  survive_hang_up(!runs_on(*line.command));
  if (!runs_on(*line.command)) exit_on_interrupt();
  const Result<int> code = std::visit(Execute{}, *line.command);
  if (code.ok()) return *code;
  complain(code.error());
  return failure_code(*line.command, code.error());
}

}  // namespace
}  // namespace mimas::cli

int main(int argc, char** argv) {
  try {
    return mimas::cli::run(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  } catch (const std::exception& caught) {
    // Nothing of ours throws: this is memory or threads that the system could not give.
    mimas::cli::complain(std::string("the system refused: ") + caught.what());
    return mimas::cli::kExitGeneric;
  }
}
