#include "cli/exit.h"

namespace mimas::cli {

int exit_code(Code code) {
  switch (code) {
    case Code::invalid_argument:
    case Code::too_large:
    case Code::unsupported:
    case Code::unimplemented: return kExitInvalidSpec;
    case Code::not_found: return kExitNotFound;
    case Code::conflict: return kExitConflict;
    case Code::unavailable: return kExitUnreachable;
    case Code::timeout: return kExitTimeout;
    case Code::unauthenticated:
    case Code::permission_denied: return kExitUnauthorised;
    case Code::resource_exhausted:
    case Code::protocol:
    case Code::io:
    case Code::internal: return kExitGeneric;
  }
  return kExitGeneric;
}

std::string exit_code_table() {
  return "Exit codes:\n"
         "   0  done; with --follow: the job finished\n"
         "   1  something else went wrong\n"
         "   2  wrong usage of this command\n"
         "   3  the server refuses the job description or request\n"
         "   4  no such job, task or file\n"
         "   5  conflict: a right request at the wrong moment\n"
         "   6  the server cannot be reached or is not ready\n"
         "   7  no answer in time; the outcome is unknown\n"
         "   8  with --follow: the job failed or was killed\n"
         "   9  with --follow --no-wait, and of plan: the job cannot be placed now\n"
         "  10  not authorised\n";
}

std::string server_exit_code_table() {
  return "Exit codes:\n"
         "   0  stopped by a signal, or torn down\n"
         "   1  could not start\n"
         "   2  wrong flags\n"
         "   3  the store could not be written\n"
         "   4  another instance has taken over\n"
         "   5  the master has removed the framework; see --new-framework\n"
         "   6  the master refuses us: credentials, rights, roles or another framework id\n";
}

}  // namespace mimas::cli
