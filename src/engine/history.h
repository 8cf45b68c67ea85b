// What is remembered about changes (model/history.h): who asked for what, what jobs were like before, and
// which answers must be given again. Written by the commands, within the turn that carries them out; a
// command that is refused or changes nothing leaves nothing. Private to the engine. Retention: retention.cc.
// Tested in tests/engine/history_test.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/turn.h"

namespace mimas::engine {

using Fields = std::vector<Audit::Field>;

// What to say of a change beside who, when and from where.
struct Deed {
  std::string_view action;  // docs/history.md
  std::string detail;
  JobId job;
  TaskId task;
  Fields fields;
};
void put_audit(Turn& turn, const std::string& user, const std::string& address, Deed deed);

// Of a job, what a user may set and what differs: "instancesDesired": 3 → 5. A changed description is told by
// the names of its fields alone.
Fields changed_fields(const Job& before, const Job& after);

// The ids of a command for people, as many as a detail has room for: "a b c and 7 more".
std::string listed(const std::vector<TaskId>& ids);

// Keeps what the job is like now as its version, and the one before if that was never kept (a database of
// before there were versions).
void keep_version(Turn& turn, JobEntry& entry, const Job& before, const std::string& user,
                  std::string_view what);

// Changes what a user wants of a job: one more version, and an audit of what differs.
template <class Command, class Mutate>
void change_wanted(Turn& turn, JobEntry& entry, const Command& command, std::string_view action,
                   std::string detail, Mutate mutate) {
  const Job before = *entry.record;
  turn.change_job(entry, [&](Job& job) {
    mutate(job);
    ++job.version;
  });
  keep_version(turn, entry, before, command.user, action);
  put_audit(turn, command.user, command.address,
            {action, std::move(detail), before.id, {}, changed_fields(before, *entry.record)});
}

// `if_version` of a command. Errors: conflict.
Status check_version(const Job& job, std::optional<std::int64_t> wanted);

// The answer that was given under a key; nothing when the key is new or none. Errors: conflict (the key came
// with another body), resource_exhausted (no room for another key).
Result<std::optional<std::string>> earlier_answer(const Turn& turn, const std::string& key,
                                                  const std::string& fingerprint);
void keep_receipt(Turn& turn, const std::string& key, const std::string& fingerprint,
                  const std::string& answer);
void drop_receipt(Turn& turn, const std::string& key);  // ASSERTs that it is there
void drop_audit(Turn& turn, std::int64_t number);       // the same

Error used_otherwise(const std::string& key);  // the key named something else

// At start. What cannot be ours is left alone on disk and takes no part.
void recover_history(State::Data& data, Recovered& recovered);

// retention.cc
void remove_old(Turn& turn);             // a small step
Instant retention_at(const Turn& turn);  // when there is something to remove; now: there is more
void drop_old_versions(Turn& turn, JobEntry& entry);

}  // namespace mimas::engine
