// Which folder keeps a user out of a path: for the message, as the kernel only says that something does.
// Tested in tests/executor/process_test.cc.
#pragma once

#include <string>

#include "executor/user.h"

namespace mimas::executor {

// The first folder on the way, the last one included, that the user may not pass by owner, group and mode.
// Empty: none is seen, as when an access control list says so.
std::string closed_to(const UserIds& user, const std::string& path);

}  // namespace mimas::executor
