// What /v2/logs answers: where a task's files are, and their bytes through us, from the task's agent, while
// it runs and after its end. Titus-api §3; docs/logs.md. On http workers; thread-safe. Tested in
// tests/server/log_routes_test.cc against an agent that answers like a real Mesos, and in
// tests/e2e/logs_test.py.
#pragma once

#include <string>

#include "http/listener.h"
#include "http/router.h"
#include "server/published_view.h"
#include "server/sandbox_link.h"

namespace mimas::server {

inline constexpr std::size_t kFilesListedMax = 1'000;

struct LogContext {
  const PublishedView& view;
  std::string archive;  // where executors archive logs (--archive); empty: nowhere that we know
  AgentAccess agents;
};

// GET /v2/logs/{taskId}: URLs of the log files. Asks the task's agent which there are.
http::Reply log_urls(const LogContext& context, const http::Request& request, const http::Captures& captures);

// GET /v2/logs/download/{taskId}: an object with the URL of every plain file of the sandbox, at most
// kFilesListedMax; of the archived logs when the sandbox is gone and there is an archive.
http::Reply log_downloads(const LogContext& context, const http::Request& request,
                          const http::Captures& captures);

// GET and HEAD /v2/logs/{taskId}/{file}. Query: log_query.h; without any, the header Range. Content-Length is
// that of the file as it was when we came, also when it is rotated meanwhile; with follow=true the answer is
// chunked and goes on until the task has ended. Streams in pieces of 256 KiB: a log of any size costs us one
// piece of memory. When the bytes end early, because the agent went away, the connection is cut.
http::Reply log_bytes(const LogContext& context, const http::Request& request,
                      const http::Captures& captures);

}  // namespace mimas::server
