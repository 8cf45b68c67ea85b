// Whom a request means: a job by its id or its name, a task by its id; and what is said when there is none,
// so that every route says the same. An id always means itself, also one that is not on record any more:
// nobody's late command may reach a job that merely has that name. A name means the one job that lives under
// it, among those of the caller's applications. Hints name calls as `METHOD /v2/path`, which other clients
// put their own words for. Thread-safe. Tested in tests/server/lookup_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "server/call.h"
#include "server/published_view.h"

namespace mimas::server {

// Errors: not_found; conflict, naming the candidates, if several live jobs have that name.
Result<JobPtr> find_job(const PublishedView& view, const Identity& who, const std::string& id_or_name);
Result<TaskPtr> find_task(const PublishedView& view, const std::string& id);

// For filters, where the id of what is gone finds nothing, or what is still told of it: such an id as it is,
// a name by the id of its job. Errors: as find_job.
Result<JobId> find_job_id(const PublishedView& view, const Identity& who, const std::string& id_or_name);

// not_found: with what the text is instead, where that can be seen.
Error no_such_job(const std::string& id_or_name);
Error no_such_task(const std::string& id);

}  // namespace mimas::server
