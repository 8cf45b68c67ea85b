// Replies that every route makes the same way.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "http/listener.h"
#include "json/writer.h"

namespace mimas::server {

// For links in an answer: where the client says that it reached us ("https://h:7101"), which is its own to
// say and reaches nobody else. What a proxy would add (X-Forwarded-Host) anybody can, and caches do not look
// at it. Empty, so that a link is a path alone, if it does not say or says something odd.
std::string base_url(const http::Request& request);

http::Reply json_reply(std::string body, int status = 200);
// A body that may be large: written while it is sent, so `write` holds what it needs until then.
http::Reply written_reply(std::function<void(json::Writer&)> write);
http::Reply no_content();
// A Warning header, 299: for a person, so what does not fit one (controls, other than ASCII) is replaced and
// a long text is cut.
void warn(http::Reply& reply, std::string_view text);
void warn_of_ignored(http::Reply& reply, const std::vector<std::string>& fields);
http::Reply problem(const Error& error, int status = 0);          // status: instead of the code's own
http::Reply unknown_id(const char* what, const std::string& id);  // 404: "no job has the id …"
http::Reply faults(const std::vector<api::Fault>& faults);
http::Reply unmatched(int status, const std::string& path, const std::string& allow);  // 404 or 405

std::string next_request_id();  // unique within this process; thread-safe

}  // namespace mimas::server
