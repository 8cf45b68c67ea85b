// The `mimas` program: reads the command line, does what it says, prints what went wrong.
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "cli/client_commands.h"
#include "cli/cluster_commands.h"
#include "cli/command_line.h"
#include "cli/exit.h"
#include "cli/fault_command.h"
#include "cli/print.h"
#include "cli/version.h"

namespace mimas::cli {
namespace {

struct Execute {
  Result<int> operator()(const Serve& command) const { return serve(command); }
  Result<int> operator()(const Dev& command) const { return dev(command); }
  Result<int> operator()(const PocketOnly& command) const { return pocket_only(command); }
  Result<int> operator()(const Run& command) const { return run_job(command); }
  Result<int> operator()(const ListJobs& command) const { return list_jobs(command); }
  Result<int> operator()(const ShowJob& command) const { return show_job(command); }
  Result<int> operator()(const Kill& command) const { return kill(command); }
  Result<int> operator()(const Scale& command) const { return scale(command); }
  Result<int> operator()(const Logs& command) const { return print_logs(command); }
  Result<int> operator()(const ShowStats& command) const { return show_stats(command); }
  Result<int> operator()(const ListAgents& command) const { return list_agents(command); }
  Result<int> operator()(const Orphans& command) const { return orphans(command); }
  Result<int> operator()(const Operations& command) const { return operations(command); }
  Result<int> operator()(const Teardown& command) const { return teardown(command); }
  Result<int> operator()(const OrderFault& command) const { return order_fault(command); }
  Result<int> operator()(const Version& command) const {
    const Status printed = print(version_text(command.json));
    if (!printed.ok()) return printed.error();
    return kExitOk;
  }
};

// The long-running commands have exit codes of their own, which a failed start must not imitate.
int failure_code(const Command& command, const Error& error) {
  const bool daemon = std::holds_alternative<Serve>(command) || std::holds_alternative<Dev>(command) ||
                      std::holds_alternative<PocketOnly>(command);
  return daemon ? kExitGeneric : exit_code(error.code);
}

int run(const std::vector<std::string>& arguments) {
  const CommandLine line = parse_command_line(arguments);
  if (!line.command) {
    const Status printed = print(line.output);
    complain_raw(line.error);
    return printed.ok() ? line.exit_code : kExitGeneric;
  }
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
