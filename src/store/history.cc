#include "store/history.h"

#include <utility>

#include "json/value.h"
#include "json/writer.h"
#include "store/spec_json.h"

namespace mimas::store {
namespace {

constexpr const char* kVersionColumns =
    "job,version,at_ms,user,what,instances_desired,instances_min,instances_max,in_service";

Error at(const std::string& where, Error error) {
  error.where = where + error.where;
  return error;
}

Error unexpected(json::Value value) {
  return make_error(Code::invalid_argument, "not what was written there: " + value.dump().substr(0, 100),
                    value.pointer());
}

Result<std::string> text_at(json::Value list, std::size_t index) {
  if (index >= list.size()) return std::string();
  const Result<std::string_view> text = list.at(index).string();
  if (!text.ok()) return text.error();
  return std::string(*text);
}

Result<Audit::Field> parse_field(json::Value list) {
  if (!list.is_array() || list.size() != 3) return unexpected(list);
  Result<std::string> name = text_at(list, 0);
  Result<std::string> before = text_at(list, 1);
  Result<std::string> after = text_at(list, 2);
  if (!name.ok() || !before.ok() || !after.ok()) return unexpected(list);
  return Audit::Field{std::move(*name), std::move(*before), std::move(*after)};
}

Result<StatusChange> parse_step(json::Value list) {
  if (!list.is_array() || list.size() < 2 || list.size() > 4) return unexpected(list);
  const Result<std::string> name = text_at(list, 0);
  const Result<std::int64_t> when = list.at(1).int64();
  Result<std::string> reason = text_at(list, 2);
  Result<std::string> message = text_at(list, 3);
  if (!name.ok() || !when.ok() || !reason.ok() || !message.ok()) return unexpected(list);
  const std::optional<TaskState> state = parse_task_state(*name);
  if (!state) return unexpected(list);
  return StatusChange{*state, Instant{*when}, std::move(*reason), std::move(*message)};
}

template <class Item>
Result<std::vector<Item>> parse_list(std::string_view text, Result<Item> (*parse_item)(json::Value)) {
  const Result<json::Document> document = json::parse(text);
  if (!document.ok()) return document.error();
  const json::Value root = document->root();
  if (!root.is_array()) return unexpected(root);
  std::vector<Item> items;
  for (std::size_t i = 0; i < root.size(); ++i) {
    Result<Item> item = parse_item(root.at(i));
    if (!item.ok()) return std::move(item).error();
    items.push_back(std::move(*item));
  }
  return items;
}

}  // namespace

std::string write_audit_sql() {
  return "INSERT INTO audits(number,at_ms,user,address,action,job,task,detail,fields) "
         "VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(number) DO UPDATE SET at_ms=excluded.at_ms,"
         "user=excluded.user,address=excluded.address,action=excluded.action,job=excluded.job,"
         "task=excluded.task,detail=excluded.detail,fields=excluded.fields";
}

std::string read_audits_sql() {
  return "SELECT number,at_ms,user,address,action,job,task,detail,fields FROM audits ORDER BY number";
}

// The description is never touched here: see leave_spec_sql().
std::string write_version_sql() {
  return std::string("INSERT INTO job_versions(") + kVersionColumns +
         ") VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(job,version) DO UPDATE SET at_ms=excluded.at_ms,"
         "user=excluded.user,what=excluded.what,instances_desired=excluded.instances_desired,"
         "instances_min=excluded.instances_min,instances_max=excluded.instances_max,"
         "in_service=excluded.in_service";
}

std::string read_versions_sql() {
  return "SELECT v.job,v.version,v.at_ms,v.user,v.what,v.instances_desired,v.instances_min,"
         "v.instances_max,v.in_service,v.spec FROM job_versions v JOIN jobs ON jobs.id=v.job "
         "ORDER BY jobs.number,v.version DESC";
}

std::string leave_spec_sql() {
  return "UPDATE job_versions SET spec=(SELECT spec FROM jobs WHERE id=?1) WHERE job=?1 AND spec IS NULL "
         "AND version=(SELECT max(version) FROM job_versions WHERE job=?1 AND version<?2)";
}

std::string write_receipt_sql() {
  return "INSERT INTO receipts(key,fingerprint,answer,at_ms) VALUES(?,?,?,?) ON CONFLICT(key) DO UPDATE SET "
         "fingerprint=excluded.fingerprint,answer=excluded.answer,at_ms=excluded.at_ms";
}

std::string read_receipts_sql() {
  return "SELECT key,fingerprint,answer,at_ms FROM receipts ORDER BY at_ms,key";
}

void put_audit(Statement& statement, const Audit& audit, std::string_view fields) {
  statement.put(audit.number).put(audit.at.ms).put(audit.user).put(audit.address).put(audit.action);
  statement.put(audit.job.value).put(audit.task.value).put(audit.detail).put(fields);
}

void put_version(Statement& statement, const JobVersion& version) {
  statement.put(version.job.value).put(version.version).put(version.at.ms).put(version.user);
  statement.put(version.what).put(version.instances_desired).put(version.instances_min);
  statement.put(version.instances_max).put(version.in_service);
}

void put_receipt(Statement& statement, const Receipt& receipt) {
  statement.put(receipt.key).put(receipt.fingerprint).put(receipt.answer).put(receipt.at.ms);
}

Result<Audit> take_audit(Statement& statement) {
  Audit audit;
  audit.number = statement.take_integer();
  audit.at = Instant{statement.take_integer()};
  audit.user = statement.take_text();
  audit.address = statement.take_text();
  audit.action = statement.take_text();
  audit.job = JobId(statement.take_text());
  audit.task = TaskId(statement.take_text());
  audit.detail = statement.take_text();
  Result<std::vector<Audit::Field>> fields = parse_fields(statement.take_text());
  if (!fields) return at("audits/" + std::to_string(audit.number) + "/fields", std::move(fields).error());
  audit.fields = std::move(*fields);
  return audit;
}

Result<StoredVersion> take_version(Statement& statement) {
  StoredVersion stored;
  JobVersion& version = stored.version;
  version.job = JobId(statement.take_text());
  version.version = statement.take_integer();
  version.at = Instant{statement.take_integer()};
  version.user = statement.take_text();
  version.what = statement.take_text();
  version.instances_desired = statement.take_integer();
  version.instances_min = statement.take_integer();
  version.instances_max = statement.take_integer();
  version.in_service = statement.take_bool();
  if (statement.at_null()) return stored;
  Result<JobSpec> spec = parse_spec(statement.take_text());
  if (!spec) {
    return at("job_versions/" + version.job.value + "/" + std::to_string(version.version) + "/spec",
              std::move(spec).error());
  }
  stored.spec = std::move(*spec);
  return stored;
}

Receipt take_receipt(Statement& statement) {
  Receipt receipt;
  receipt.key = statement.take_text();
  receipt.fingerprint = statement.take_text();
  receipt.answer = statement.take_text();
  receipt.at = Instant{statement.take_integer()};
  return receipt;
}

std::string render_fields(const std::vector<Audit::Field>& fields) {
  json::Writer out;
  out.begin_array();
  for (const Audit::Field& field : fields) {
    out.begin_array().string(field.name).string(field.before).string(field.after).end_array();
  }
  out.end_array();
  return out.take();
}

Result<std::vector<Audit::Field>> parse_fields(std::string_view text) {
  return parse_list(text, parse_field);
}

std::string render_steps(const std::vector<StatusChange>& steps) {
  if (steps.empty()) return {};
  json::Writer out;
  out.begin_array();
  for (const StatusChange& step : steps) {
    out.begin_array().string(task_state_name(step.state)).int64(step.at.ms);
    if (!step.reason.empty() || !step.message.empty()) out.string(step.reason);
    if (!step.message.empty()) out.string(step.message);
    out.end_array();
  }
  out.end_array();
  return out.take();
}

Result<std::vector<StatusChange>> parse_steps(std::string_view text) {
  if (text.empty()) return std::vector<StatusChange>();
  return parse_list(text, parse_step);
}

}  // namespace mimas::store
