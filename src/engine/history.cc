#include "engine/history.h"

#include <algorithm>

#include "model/job_difference.h"

namespace mimas::engine {
namespace {

std::string json_of(bool value) { return value ? "true" : "false"; }
std::string json_of(std::int64_t value) { return std::to_string(value); }

std::string_view state_text(JobState state) {
  switch (state) {
    case JobState::active: return "\"active\"";
    case JobState::killing: return "\"killing\"";
    case JobState::ended: return "\"ended\"";
  }
  return "null";
}

JobVersionPtr version_of(const Job& job, Instant at, const std::string& user, std::string_view what) {
  auto version = std::make_shared<JobVersion>();
  version->job = job.id;
  version->version = job.version;
  version->at = at;
  version->user = user;
  version->what = what;
  version->spec = job.spec;
  version->instances_desired = job.instances_desired;
  version->instances_min = job.instances_min;
  version->instances_max = job.instances_max;
  version->in_service = job.in_service;
  return version;
}

void put_version(Turn& turn, JobEntry& entry, JobVersionPtr version) {
  entry.versions[version->version] = version;
  turn.change(PutJobVersion{std::move(version)});
}

void note_audit(State::Data& data, const AuditPtr& audit) {
  if (!data.audits.try_emplace(audit->number, audit).second) return;
  data.audits_by_user.add(audit->user, audit->number);
  data.audits_by_address.add(audit->address, audit->number);
}

std::string caller_of(const std::string& key) {
  const std::size_t end = key.rfind('\n');
  return end == std::string::npos ? std::string() : key.substr(0, end);
}

void note_receipt(State::Data& data, Receipt receipt) {
  data.receipts_by_age.insert({receipt.at, receipt.key});
  data.receipts_by_caller.add(caller_of(receipt.key), {receipt.at, receipt.key});
  std::string key = receipt.key;
  data.receipts[std::move(key)] = std::move(receipt);
}

void forget_receipt(State::Data& data, const Receipt& receipt) {
  const std::pair<Instant, std::string> place{receipt.at, receipt.key};
  data.receipts_by_age.erase(place);
  data.receipts_by_caller.remove(caller_of(receipt.key), place);
  data.receipts.erase(place.second);
}

bool is_good(const Turn& turn, const Receipt& receipt) {
  return turn.now < receipt.at + turn.data.policy.receipts_keep_ms;
}

}  // namespace

void put_audit(Turn& turn, const std::string& user, const std::string& address, Deed deed) {
  State::Data& data = turn.data;
  auto audit = std::make_shared<Audit>();
  audit->number = data.next_audit_number++;
  audit->at = turn.now;
  audit->user = user;
  audit->address = address;
  audit->action = deed.action;
  audit->job = std::move(deed.job);
  audit->task = std::move(deed.task);
  audit->detail = std::move(deed.detail);
  audit->fields = std::move(deed.fields);
  note_audit(data, audit);
  turn.change(PutAudit{std::move(audit)});
}

std::string listed(const std::vector<TaskId>& ids) {
  constexpr std::size_t kListedMax = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(ids.size(), kListedMax); ++i)
    text += (i == 0 ? "" : " ") + ids[i].value;
  if (ids.size() > kListedMax) text += " and " + std::to_string(ids.size() - kListedMax) + " more";
  return text;
}

Fields changed_fields(const Job& before, const Job& after) {
  Fields fields;
  const auto compare = [&](const char* name, auto was, auto is) {
    if (was != is) fields.push_back({name, json_of(was), json_of(is)});
  };
  compare("instancesDesired", before.instances_desired, after.instances_desired);
  compare("instancesMin", before.instances_min, after.instances_min);
  compare("instancesMax", before.instances_max, after.instances_max);
  compare("inService", before.in_service, after.in_service);
  compare("disableIncreaseDesired", before.increase_disabled, after.increase_disabled);
  compare("disableDecreaseDesired", before.decrease_disabled, after.decrease_disabled);
  if (before.state != after.state) {
    fields.push_back({"state", std::string(state_text(before.state)), std::string(state_text(after.state))});
  }
  if (before.spec != after.spec) {
    for (std::string& name : differing_fields(*before.spec, *after.spec)) {
      fields.push_back({std::move(name), {}, {}});
    }
  }
  return fields;
}

void keep_version(Turn& turn, JobEntry& entry, const Job& before, const std::string& user,
                  std::string_view what) {
  const Job& job = *entry.record;
  if (before.version < job.version && !entry.versions.contains(before.version)) {
    put_version(turn, entry, version_of(before, before.submitted_at, before.spec->user, {}));
  }
  put_version(turn, entry, version_of(job, turn.now, user, what));
  drop_old_versions(turn, entry);
}

Status check_version(const Job& job, std::optional<std::int64_t> wanted) {
  if (!wanted || *wanted == job.version) return Done{};
  return make_error(Code::conflict,
                    "job " + job.id.value + " has version " + std::to_string(job.version) +
                        ", and the command is for version " + std::to_string(*wanted),
                    {}, "look at the job again, and send the command for what it is like now");
}

Result<std::optional<std::string>> earlier_answer(const Turn& turn, const std::string& key,
                                                  const std::string& fingerprint) {
  if (key.empty()) return std::optional<std::string>();
  const State::Data& data = turn.data;
  const auto found = data.receipts.find(key);
  if (found != data.receipts.end() && is_good(turn, found->second)) {
    if (found->second.fingerprint != fingerprint) return used_otherwise(key);
    return std::optional(found->second.answer);
  }
  const std::int64_t most = data.policy.receipts_per_caller_max;
  if (found == data.receipts.end() &&
      static_cast<std::int64_t>(data.receipts_by_caller.of(caller_of(key))) >= most) {
    return make_error(Code::resource_exhausted,
                      "there are already " + std::to_string(most) +
                          " commands of this caller with an Idempotency-Key to remember",
                      {}, "send the command without one, or later");
  }
  return std::optional<std::string>();
}

Error used_otherwise(const std::string& key) {
  // Before the line break stands the sender's name, who knows it.
  return make_error(Code::conflict,
                    "the Idempotency-Key " + key.substr(key.rfind('\n') + 1) + " was used with another body",
                    {}, "take a new key for a new command");
}

void keep_receipt(Turn& turn, const std::string& key, const std::string& fingerprint,
                  const std::string& answer) {
  if (key.empty()) return;
  State::Data& data = turn.data;
  if (const auto old = data.receipts.find(key); old != data.receipts.end())
    forget_receipt(data, Receipt(old->second));
  while (!data.receipts.empty() &&
         static_cast<std::int64_t>(data.receipts.size()) >= data.policy.receipts_max)
    drop_receipt(turn, std::string(data.receipts_by_caller.oldest_of_largest().second));
  Receipt receipt{key, fingerprint, answer, turn.now};
  turn.change(PutReceipt{receipt});
  note_receipt(data, std::move(receipt));
}

void drop_receipt(Turn& turn, const std::string& key) {
  State::Data& data = turn.data;
  const auto found = data.receipts.find(key);
  ASSERT(found != data.receipts.end());
  turn.change(RemoveReceipt{key});
  forget_receipt(data, Receipt(found->second));
}

void drop_audit(Turn& turn, std::int64_t number) {
  State::Data& data = turn.data;
  const auto found = data.audits.find(number);
  ASSERT(found != data.audits.end());
  turn.change(RemoveAudit{number});
  data.audits_by_user.remove(found->second->user, number);
  data.audits_by_address.remove(found->second->address, number);
  data.audits.erase(found);
}

void recover_history(State::Data& data, Recovered& recovered) {
  data.next_audit_number = std::max<std::int64_t>(recovered.next_audit_number, 1);
  for (Audit& audit : recovered.audits) {
    if (audit.number < 1) continue;
    data.next_audit_number = std::max(data.next_audit_number, audit.number + 1);
    note_audit(data, std::make_shared<const Audit>(std::move(audit)));
  }
  for (JobVersion& version : recovered.versions) {
    JobEntry* job = find_job(data, version.job);
    if (job == nullptr || version.spec == nullptr) continue;
    const std::int64_t number = version.version;
    job->versions.try_emplace(number, std::make_shared<const JobVersion>(std::move(version)));
  }
  for (Receipt& receipt : recovered.receipts) {
    if (!data.receipts.contains(receipt.key)) note_receipt(data, std::move(receipt));
  }
}

}  // namespace mimas::engine
