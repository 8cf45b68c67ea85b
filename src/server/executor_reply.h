// GET and HEAD of /executor/<arch>: the file, the sum by which agents check it, and 304 for who has it
// already. A strong ETag, since the bytes are what counts. Pure. Tested in tests/server/files_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "http/listener.h"
#include "server/executors.h"

namespace mimas::server {

// `if_none_match` is that header's value; empty: it was not sent. 404 names the architectures there are.
http::Reply executor_reply(const Executors& executors, const std::string& arch,
                           std::string_view if_none_match);

}  // namespace mimas::server
