// What a job's artifact is called in the sandbox: the last part of its address's path, without a query or a
// fragment ("http://h/a/run.sh?sig=1/2" is run.sh). The launch tells the agent's fetcher this name and the
// executor links by it, so that a file is called the same however executors are shared. Pure. Tested in
// tests/model/artifact_name_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace mimas {

// Empty: the address names no file ("http://h", "http://h/dir/", "…/.."), so nothing can be fetched by it.
std::string artifact_name(std::string_view uri);

}  // namespace mimas
