#include "store/store.h"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>
#include <unordered_map>

#include "files/own.h"
#include "store/agent_orders.h"
#include "store/connection.h"
#include "store/directory_lock.h"
#include "store/groups.h"
#include "store/history.h"
#include "store/migrations.h"
#include "store/operations.h"
#include "store/records.h"
#include "store/spec_json.h"

namespace mimas::store {
namespace {

constexpr const char* kFramework = "framework";
constexpr const char* kNextJobNumber = "next_job_number";

// Locking is exclusive: the directory lock lets only one of us in, and without it WAL would need shared
// memory. synchronous=FULL is the fsync at every commit that "commit, then act" stands on.
constexpr const char* kSettings =
    "PRAGMA locking_mode=EXCLUSIVE;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA busy_timeout=2000;"
    "PRAGMA trusted_schema=OFF;"
    "PRAGMA cell_size_check=ON;"
    "PRAGMA journal_size_limit=16777216;";

Status settle(Connection& connection, std::int64_t pages_max) {
  Status set = connection.execute(kSettings);
  if (!set) return set;
  const Result<std::string> journal = connection.text("PRAGMA journal_mode=WAL");
  if (!journal) return journal.error();
  if (*journal != "wal") {
    return make_error(Code::io, "the file system does not allow a write-ahead log", connection.path());
  }
  if (pages_max > 0) {
    set = connection.execute(("PRAGMA max_page_count=" + std::to_string(pages_max)).c_str());
    if (!set) return set;
  }
  const Result<std::string> check = connection.text("PRAGMA quick_check(1)");
  if (!check) return check.error();
  if (*check != "ok") {
    return make_error(Code::io, "the database is damaged: " + *check, connection.path(),
                      "restore it from a backup");
  }
  return Done{};
}

// So that the file is ours alone (it holds environments of jobs) whatever the umask; SQLite copies the mode
// to the log.
Status make_private_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return make_error(Code::io, "the database cannot be opened: " + std::system_category().message(errno),
                      path);
  }
  ::close(fd);
  for (const char* of_it : {"", "-wal", "-shm"})
    if (Status narrow = files::narrow_own_file(path + of_it); !narrow) return narrow;
  return Done{};
}

}  // namespace

struct Store::Impl {
  Impl(DirectoryLock taken, Connection opened) : lock(std::move(taken)), connection(std::move(opened)) {}

  Status prepare();
  Status apply(const engine::Change& change);
  Status put(const Job& job);
  Status put(const Task& task);
  Status put(const Operation& operation);
  Status put(const Audit& audit);
  Result<bool> apply_history(const engine::Change& change);
  Status load_history(Loaded& loaded);
  Status load_versions(Loaded& loaded);
  Status put_meta(std::string_view key, const std::string& value);
  Result<std::string> read_meta(std::string_view key);
  Status apply_all(const std::vector<engine::Change>& changes);

  DirectoryLock lock;
  Connection connection;
  Statement begin, end, write_job, update_job, write_task, remove_job, remove_task, write_orphan,
      remove_orphan, write_meta, read_meta_row;
  Statement write_operation, remove_operation;
  Statement write_agent_order, remove_agent_order;
  Statement write_audit, remove_audit, write_version, remove_version, leave_spec, write_receipt,
      remove_receipt;
  Statement write_group_row, remove_group;
  // The spec that is on disk for a job. Specs are large and rarely change: an unchanged one is not written
  // again.
  std::unordered_map<std::int64_t, std::shared_ptr<const JobSpec>> specs_on_disk;
  std::int64_t commits = 0;
  std::optional<Error> failed;
};

Status Store::Impl::prepare() {
  const std::pair<Statement*, std::string> wanted[] = {
      {&begin, "BEGIN IMMEDIATE"},
      {&end, "COMMIT"},
      {&write_job, write_job_sql()},
      {&update_job, update_job_sql()},
      {&write_task, write_task_sql()},
      {&remove_job, "DELETE FROM jobs WHERE id=?"},
      {&remove_task, "DELETE FROM tasks WHERE id=?"},
      {&write_orphan, write_orphan_sql()},
      {&remove_orphan, "DELETE FROM orphans WHERE task=?"},
      {&write_operation, write_operation_sql()},
      {&remove_operation, "DELETE FROM operations WHERE id=?"},
      {&write_agent_order, write_agent_order_sql()},
      {&remove_agent_order, "DELETE FROM agent_orders WHERE agent=?"},
      {&write_audit, write_audit_sql()},
      {&remove_audit, "DELETE FROM audits WHERE number=?"},
      {&write_version, write_version_sql()},
      {&remove_version, "DELETE FROM job_versions WHERE job=? AND version=?"},
      {&leave_spec, leave_spec_sql()},
      {&write_group_row, write_group_sql()},
      {&remove_group, "DELETE FROM capacity_groups WHERE name=?"},
      {&write_receipt, write_receipt_sql()},
      {&remove_receipt, "DELETE FROM receipts WHERE key=?"},
      {&write_meta,
       "INSERT INTO meta(key,value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value"},
      {&read_meta_row, "SELECT value FROM meta WHERE key=?"},
  };
  for (const auto& [statement, sql] : wanted) {
    Result<Statement> prepared = connection.prepare(sql);
    if (!prepared) return std::move(prepared).error();
    *statement = std::move(*prepared);
  }
  return Done{};
}

Status Store::Impl::put(const Job& job) {
  ASSERT(job.spec != nullptr);
  const auto known = specs_on_disk.find(job.number);
  if (known != specs_on_disk.end() && known->second == job.spec) {
    put_job(update_job, job, {});
    return update_job.run();
  }
  if (known != specs_on_disk.end()) {
    Status left = leave_spec.put(job.id.value).put(job.version).run();
    if (!left) return left;
  }
  const std::string spec = render_spec(*job.spec);
  put_job(write_job, job, spec);
  Status written = write_job.run();
  if (written) specs_on_disk[job.number] = job.spec;
  return written;
}

Status Store::Impl::put(const Task& task) {
  const std::string allocated = render_resources(task.allocated);
  const std::string history = render_steps(task.history.steps());
  put_task(write_task, task, allocated, history);
  return write_task.run();
}

Status Store::Impl::put(const Operation& operation) {
  const std::string amounts = render_resources(operation.amounts);
  const std::string before = render_resources(operation.reserved_before);
  put_operation(write_operation, operation, amounts, before);
  return write_operation.run();
}

Status Store::Impl::put(const Audit& audit) {
  const std::string fields = render_fields(audit.fields);
  put_audit(write_audit, audit, fields);
  return write_audit.run();
}

// False: it is none of these.
Result<bool> Store::Impl::apply_history(const engine::Change& change) {
  Status done = Done{};
  if (const auto* put_one = std::get_if<engine::PutAudit>(&change)) {
    ASSERT(put_one->audit != nullptr);
    done = put(*put_one->audit);
  } else if (const auto* gone = std::get_if<engine::RemoveAudit>(&change)) {
    done = remove_audit.put(gone->number).run();
  } else if (const auto* kept = std::get_if<engine::PutJobVersion>(&change)) {
    ASSERT(kept->version != nullptr);
    put_version(write_version, *kept->version);
    done = write_version.run();
  } else if (const auto* dropped = std::get_if<engine::RemoveJobVersion>(&change)) {
    done = remove_version.put(dropped->job.value).put(dropped->version).run();
  } else if (const auto* given = std::get_if<engine::PutReceipt>(&change)) {
    put_receipt(write_receipt, given->receipt);
    done = write_receipt.run();
  } else if (const auto* old = std::get_if<engine::RemoveReceipt>(&change)) {
    done = remove_receipt.put(old->key).run();
  } else {
    return false;
  }
  if (!done) return done.error();
  return true;
}

Status Store::Impl::put_meta(std::string_view key, const std::string& value) {
  return write_meta.put(key).put(value).run();
}

Result<std::string> Store::Impl::read_meta(std::string_view key) {
  const Result<bool> row = read_meta_row.put(key).next();
  if (!row) return row.error();
  if (!*row) return std::string();
  std::string value = read_meta_row.take_text();
  const Result<bool> rest = read_meta_row.next();
  if (!rest) return rest.error();
  return value;
}

Status Store::Impl::apply(const engine::Change& change) {
  if (const auto* put_job = std::get_if<engine::PutJob>(&change)) {
    ASSERT(put_job->job != nullptr);
    return put(*put_job->job);
  }
  if (const auto* put_task = std::get_if<engine::PutTask>(&change)) {
    ASSERT(put_task->task != nullptr);
    return put(*put_task->task);
  }
  if (const auto* gone = std::get_if<engine::RemoveJob>(&change)) {
    specs_on_disk.erase(parse_job_number(gone->job.value));
    return remove_job.put(gone->job.value).run();
  }
  if (const auto* gone = std::get_if<engine::RemoveTask>(&change))
    return remove_task.put(gone->task.value).run();
  if (const auto* framework = std::get_if<engine::PutFramework>(&change)) {
    return put_meta(kFramework, framework->framework.value);
  }
  if (const auto* next = std::get_if<engine::PutNextJobNumber>(&change)) {
    return put_meta(kNextJobNumber, std::to_string(next->number));
  }
  if (const auto* put = std::get_if<engine::PutOrphan>(&change)) {
    if (!engine::is_durable(change)) return Done{};
    put_orphan(write_orphan, *put->orphan);
    return write_orphan.run();
  }
  if (const auto* gone = std::get_if<engine::RemoveOrphan>(&change))
    return remove_orphan.put(gone->task.value).run();
  if (const auto* put_one = std::get_if<engine::PutOperation>(&change)) {
    ASSERT(put_one->operation != nullptr);
    return put(*put_one->operation);
  }
  if (const auto* gone = std::get_if<engine::RemoveOperation>(&change)) {
    return remove_operation.put(gone->operation.value).run();
  }
  if (const auto* put_one = std::get_if<engine::PutAgentOrder>(&change)) {
    ASSERT(put_one->order != nullptr);
    put_agent_order(write_agent_order, *put_one->order);
    return write_agent_order.run();
  }
  if (const auto* gone = std::get_if<engine::RemoveAgentOrder>(&change)) {
    return remove_agent_order.put(gone->agent.value).run();
  }
  if (const auto* put_one = std::get_if<engine::PutGroup>(&change)) {
    ASSERT(put_one->group != nullptr);
    return write_group(write_group_row, *put_one->group);
  }
  if (const auto* gone = std::get_if<engine::RemoveGroup>(&change)) {
    return remove_group.put(gone->name).run();
  }
  const Result<bool> history = apply_history(change);
  if (!history) return history.error();
  if (*history) return Done{};
  ASSERT(
      !engine::is_durable(change));  // a durable kind of change that nobody stores would be lost in silence
  return Done{};
}

Status Store::Impl::apply_all(const std::vector<engine::Change>& changes) {
  Status status = begin.run();
  if (!status) return status;
  for (const engine::Change& change : changes) {
    status = apply(change);
    if (!status) return status;
  }
  return end.run();
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, std::int64_t pages_max) {
  Status made = files::make_data_folder(directory);
  if (!made) return std::move(made).error();
  Result<DirectoryLock> lock = DirectoryLock::take(directory);
  if (!lock) return std::move(lock).error();
  if (const std::string backups = directory + "/backups"; ::access(backups.c_str(), F_OK) == 0)
    if (Status narrow = files::make_own_folder(backups); !narrow) return std::move(narrow).error();
  const std::string path = directory + "/mimas.db";
  made = make_private_file(path);
  if (!made) return std::move(made).error();
  Result<Connection> connection = Connection::open(path);
  if (!connection) return std::move(connection).error();

  auto impl = std::make_unique<Impl>(std::move(*lock), std::move(*connection));
  Status ready = settle(impl->connection, pages_max);
  if (ready) ready = migrate(impl->connection, migrations());
  if (ready) ready = impl->prepare();
  if (!ready) return std::move(ready).error();
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<Loaded> Store::load() {
  Loaded loaded;
  Result<std::string> framework = impl_->read_meta(kFramework);
  if (!framework) return std::move(framework).error();
  loaded.framework = FrameworkId(std::move(*framework));
  const Result<std::string> number = impl_->read_meta(kNextJobNumber);
  if (!number) return number.error();
  if (!number->empty()) {
    const char* end = number->data() + number->size();
    const auto [stopped, fault] = std::from_chars(number->data(), end, loaded.next_job_number);
    if (fault != std::errc{} || stopped != end || loaded.next_job_number < 1) {
      return make_error(Code::invalid_argument, "not a number: \"" + *number + "\"", "meta/next_job_number");
    }
  }

  Result<Statement> rows = impl_->connection.prepare(read_jobs_sql());
  if (!rows) return std::move(rows).error();
  Result<bool> row = rows->next();
  for (; row && *row; row = rows->next()) {
    Result<Job> job = take_job(*rows);
    if (!job) return std::move(job).error();
    impl_->specs_on_disk[job->number] = job->spec;
    loaded.jobs.push_back(std::move(*job));
  }
  if (!row) return row.error();

  rows = impl_->connection.prepare(read_tasks_sql());
  if (!rows) return std::move(rows).error();
  for (row = rows->next(); row && *row; row = rows->next()) {
    Result<Task> task = take_task(*rows);
    if (!task) return std::move(task).error();
    loaded.tasks.push_back(std::move(*task));
  }
  if (!row) return row.error();

  rows = impl_->connection.prepare(read_orphans_sql());
  if (!rows) return std::move(rows).error();
  for (row = rows->next(); row && *row; row = rows->next()) {
    Result<Orphan> orphan = take_orphan(*rows);
    if (!orphan) return std::move(orphan).error();
    loaded.orphans.push_back(std::move(*orphan));
  }
  if (!row) return row.error();

  rows = impl_->connection.prepare(read_operations_sql());
  if (!rows) return std::move(rows).error();
  for (row = rows->next(); row && *row; row = rows->next()) {
    Result<Operation> operation = take_operation(*rows);
    if (!operation) return std::move(operation).error();
    loaded.operations.push_back(std::move(*operation));
  }
  if (!row) return row.error();

  rows = impl_->connection.prepare(read_agent_orders_sql());
  if (!rows) return std::move(rows).error();
  for (row = rows->next(); row && *row; row = rows->next()) {
    Result<AgentOrder> order = take_agent_order(*rows);
    if (!order) return std::move(order).error();
    loaded.agent_orders.push_back(std::move(*order));
  }
  if (!row) return row.error();

  rows = impl_->connection.prepare(read_groups_sql());
  if (!rows) return std::move(rows).error();
  for (row = rows->next(); row && *row; row = rows->next()) {
    Result<CapacityGroup> group = take_group(*rows);
    if (!group) return std::move(group).error();
    loaded.groups.push_back(std::move(*group));
  }
  if (!row) return row.error();
  Status history = impl_->load_history(loaded);
  if (!history) return std::move(history).error();
  return loaded;
}

Status Store::Impl::load_versions(Loaded& loaded) {
  std::unordered_map<std::string_view, std::shared_ptr<const JobSpec>> specs;  // of what comes next
  for (const Job& job : loaded.jobs) specs[job.id.value] = job.spec;
  Result<Statement> rows = connection.prepare(read_versions_sql());
  if (!rows) return std::move(rows).error();
  Result<bool> row = rows->next();
  for (; row && *row; row = rows->next()) {
    Result<StoredVersion> stored = take_version(*rows);
    if (!stored) return std::move(stored).error();
    std::shared_ptr<const JobSpec>& spec = specs.at(stored->version.job.value);
    if (stored->spec) spec = std::make_shared<const JobSpec>(std::move(*stored->spec));
    stored->version.spec = spec;
    loaded.versions.push_back(std::move(stored->version));
  }
  if (!row) return row.error();
  // They came newest first within each job.
  for (auto first = loaded.versions.begin(); first != loaded.versions.end();) {
    const auto past = std::find_if(first, loaded.versions.end(),
                                   [&](const JobVersion& version) { return version.job != first->job; });
    std::reverse(first, past);
    first = past;
  }
  return Done{};
}

Status Store::Impl::load_history(Loaded& loaded) {
  Result<Statement> rows = connection.prepare(read_audits_sql());
  if (!rows) return std::move(rows).error();
  Result<bool> row = rows->next();
  for (; row && *row; row = rows->next()) {
    Result<Audit> audit = take_audit(*rows);
    if (!audit) return std::move(audit).error();
    loaded.audits.push_back(std::move(*audit));
  }
  if (!row) return row.error();
  if (!loaded.audits.empty()) loaded.next_audit_number = loaded.audits.back().number + 1;

  rows = connection.prepare(read_receipts_sql());
  if (!rows) return std::move(rows).error();
  for (row = rows->next(); row && *row; row = rows->next()) loaded.receipts.push_back(take_receipt(*rows));
  if (!row) return row.error();
  return load_versions(loaded);
}

Status Store::commit(const std::vector<engine::Change>& changes) {
  if (impl_->failed) {
    return make_error(Code::unavailable,
                      "an earlier commit failed, nothing is stored any more: " + impl_->failed->message,
                      impl_->failed->where, "restart");
  }
  if (std::none_of(changes.begin(), changes.end(), engine::is_durable)) return Done{};
  Status committed = impl_->apply_all(changes);
  if (committed) {
    ++impl_->commits;
  } else {
    impl_->failed = committed.error();
    impl_->connection.roll_back();
  }
  return committed;
}

Result<std::unique_ptr<Backup>> Store::back_up(const std::string& path) {
  return Backup::start(impl_->connection, path);
}

std::int64_t Store::commits() const { return impl_->commits; }

}  // namespace mimas::store
