// Replies that every route makes the same way.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/problem.h"
#include "http/listener.h"
#include "json/writer.h"

namespace mimas::server {

http::Reply json_reply(std::string body, int status = 200);
// A body that may be large: written while it is sent, so `write` holds what it needs until then.
http::Reply written_reply(std::function<void(json::Writer&)> write);
http::Reply no_content();
http::Reply problem(const Error& error, int status = 0);          // status: instead of the code's own
http::Reply unknown_id(const char* what, const std::string& id);  // 404: "no job has the id …"
http::Reply faults(const std::vector<api::Fault>& faults);
http::Reply unmatched(int status, const std::string& path, const std::string& allow);  // 404 or 405

std::string next_request_id();  // unique within this process; thread-safe

}  // namespace mimas::server
