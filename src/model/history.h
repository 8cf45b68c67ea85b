// What is remembered about changes: who asked for what (Audit), what a job was like before (JobVersion), and
// which answers must be given again (Receipt). Plain values; a published record is never changed. Bounds are
// those of engine::Policy (…_kept, …_keep_ms).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "model/job.h"

namespace mimas {

// One change that somebody asked for and that was carried out.
struct Audit {
  // A changed member: its name as the REST API spells it, and its values as JSON texts ("3", "true",
  // "\"x\""); of a changed description the name alone, the versions have the rest.
  struct Field {
    std::string name, before, after;
    bool operator==(const Field&) const = default;
  };
  std::int64_t number = 0;  // grows by one with every record, never reused
  Instant at;
  std::string user;     // who: the authenticated name, or whom the body named; may be empty
  std::string address;  // from where; empty: from within the server
  std::string action;   // "job.submit", "job.kill", "job.scale", "task.kill", …: docs/history.md
  JobId job;            // empty when it is about no job
  TaskId task;          // of a single task; empty for several
  std::string detail;   // a sentence for a person
  std::vector<Field> fields;
};
using AuditPtr = std::shared_ptr<const Audit>;

// What a user wanted of a job from `at` on, until the next version.
struct JobVersion {
  JobId job;
  std::int64_t version = 1;  // as Job::version
  Instant at;
  std::string user;
  std::string what;  // the audit's action that made it
  std::shared_ptr<const JobSpec> spec;
  std::int64_t instances_desired = 1, instances_min = 1, instances_max = 1;
  bool in_service = true;
};
using JobVersionPtr = std::shared_ptr<const JobVersion>;

// A command that came with an Idempotency-Key, and what it was answered (titus-api §1: kept a day).
struct Receipt {
  std::string key;          // after the sender's name and a line break: keys of two people never meet
  std::string fingerprint;  // of the request's body; another one under the same key is a conflict
  std::string answer;       // the id of what was made: "mimas-7", "mimas-op-3"
  Instant at;
};

}  // namespace mimas
