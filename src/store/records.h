// Jobs and tasks as rows: the statements that write and read them, and the order of their columns in one
// place. The columns are those of schema/0001_initial.sql, 0004_executor.sql and 0005_history.sql. Tested
// through tests/store/store_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "model/job.h"
#include "model/orphan.h"
#include "model/task.h"
#include "store/connection.h"

namespace mimas::store {

std::string write_job_sql();     // insert, or update by number
std::string update_job_sql();    // update by number, leaving the spec as it is
std::string write_task_sql();    // insert, or update by id
std::string write_orphan_sql();  // insert, or update by task
std::string read_jobs_sql();     // by number
std::string read_tasks_sql();    // by (job number, slot, number)
std::string read_orphans_sql();  // by task

// Parameters of write_job_sql, or of update_job_sql when `spec` has no address. The texts of `job` and `spec`
// must live until the statement has run.
void put_job(Statement& statement, const Job& job, std::string_view spec);
void put_task(Statement& statement, const Task& task, std::string_view allocated, std::string_view history);

void put_orphan(Statement& statement, const Orphan& orphan);

// From the current row. Errors: invalid_argument with "jobs/mimas-7/spec" and the like in `where`.
Result<Job> take_job(Statement& statement);
Result<Task> take_task(Statement& statement);
Result<Orphan> take_orphan(Statement& statement);

}  // namespace mimas::store
