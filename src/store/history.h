// Audits, versions of jobs, receipts and the steps of tasks as rows and JSON texts of
// schema/0005_history.sql: the statements that write and read them, with the order of their columns in one
// place. Tested in tests/store/history_test.cc.
//
// A version's description is on disk only while it differs from the next one's: the newest has that of its
// job. So a change of a job's description first leaves the old one with the version before
// (leave_spec_sql), and neither a submission nor the removal of old versions writes a description twice.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/history.h"
#include "model/task.h"
#include "store/connection.h"

namespace mimas::store {

std::string write_audit_sql();    // insert, or update by number
std::string read_audits_sql();    // by number
std::string write_version_sql();  // insert, or update by (job, version)
std::string read_versions_sql();  // by job number, the newest version first
std::string write_receipt_sql();  // insert, or update by key
std::string read_receipts_sql();  // by time
// Parameters: the job's id, its new version. To be run before the job's own row changes.
std::string leave_spec_sql();

// Parameters of the statements above; all texts must live until the statement has run.
void put_audit(Statement& statement, const Audit& audit, std::string_view fields);
void put_version(Statement& statement, const JobVersion& version);
void put_receipt(Statement& statement, const Receipt& receipt);

// From the current row. Errors: invalid_argument with "audits/7/fields" and the like in `where`.
Result<Audit> take_audit(Statement& statement);
// The version without its description, and that if it has one of its own.
struct StoredVersion {
  JobVersion version;
  std::optional<JobSpec> spec;
};
Result<StoredVersion> take_version(Statement& statement);
Receipt take_receipt(Statement& statement);

std::string render_fields(const std::vector<Audit::Field>& fields);
Result<std::vector<Audit::Field>> parse_fields(std::string_view text);
std::string render_steps(const std::vector<StatusChange>& steps);  // "" when there are none
Result<std::vector<StatusChange>> parse_steps(std::string_view text);

}  // namespace mimas::store
