#include "pocket/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "files/own.h"
#include "net/clock.h"
#include "pocket/call_check.h"
#include "pocket/process.h"
#include "pocket/sandbox.h"

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRecordBytesMax = 16u << 20;

// Empty when it cannot be read. By operator<<, which catches what a stream buffer throws for a directory.
std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What tasks are told (their variables, too) stands in them: for nobody else.
Status replace(const std::string& path, const std::string& bytes) {
  if (Status made = files::make_own_folder(fs::path(path).parent_path().string()); !made) return made;
  return files::write_own_file(path, bytes);
}

Status append_record(const std::string& path, char kind, const std::string& bytes) {
  std::string record(1, kind);
  const std::uint32_t size = static_cast<std::uint32_t>(bytes.size());
  for (int shift = 0; shift < 32; shift += 8) record.push_back(static_cast<char>(size >> shift));
  record += bytes;
  return files::append_own_file(path, record);
}

void read_records(const std::string& path, RecoveredTask& task) {
  const std::string bytes = read_all(path);
  constexpr std::size_t kHead = 5;
  for (std::size_t at = 0; at + kHead <= bytes.size();) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i)
      size |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + 1 + i])) << (8 * i);
    if (size > kRecordBytesMax || at + kHead + size > bytes.size()) return;
    const std::string body = bytes.substr(at + kHead, size);
    if (bytes[at] == 'A') {
      task.acknowledged.insert(body);
    } else if (mv1::TaskStatus status; status.ParseFromString(body)) {
      task.updates.push_back(std::move(status));
    }
    at += kHead + size;
  }
}

std::vector<std::string> folders(const std::string& path) {
  std::vector<std::string> names;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(path, failed))
    if (entry.is_directory(failed) && !entry.is_symlink(failed))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// forked.pid holds "<pid> <start time>".
std::int64_t read_pid(const std::string& path) {
  std::istringstream text(read_all(path));
  std::int64_t pid = 0;
  std::uint64_t start = 0;
  if (!(text >> pid >> start) || pid <= 1 || pid > INT32_MAX) return 0;
  const std::uint64_t now = process_start_time(static_cast<pid_t>(pid));
  return now != 0 && now == start ? pid : 0;
}

RecoveredExecutor read_executor(const std::string& path, const ContainerRef& container,
                                const mv1::ExecutorInfo& info) {
  RecoveredExecutor executor{container, info, read_pid(path + "/pids/forked.pid"), {}};
  for (const std::string& task_id : folders(path + "/tasks")) {
    RecoveredTask task;
    if (!task.info.ParseFromString(read_all(path + "/tasks/" + task_id + "/task.info"))) continue;
    read_records(path + "/tasks/" + task_id + "/task.updates", task);
    const bool over = !task.updates.empty() && is_terminal(task.updates.back().state()) &&
                      task.acknowledged.contains(task.updates.back().uuid());
    if (!over) executor.tasks.push_back(std::move(task));
  }
  return executor;
}

void read_operations(const std::string& agent_path, RecoveredState& state) {
  mv1::Offer::Operation::Reserve resources;
  if (resources.ParseFromString(read_all(agent_path + "/resources")))
    state.resources.assign(resources.resources().begin(), resources.resources().end());
  const std::string text = read_all(agent_path + "/operations");
  if (text.empty()) return;
  const Result<std::vector<Report>> reports = decode_reports(text);
  if (!reports) return;
  for (const Report& report : *reports)
    if (const auto* one = std::get_if<OperationReport>(&report)) state.operations.push_back(*one);
}

}  // namespace

Status check_ids(const ContainerRef& container) {
  for (const std::string* id : {&container.framework_id, &container.executor_id, &container.container_id})
    if (const std::string why = check_id(*id); !why.empty()) return make_error(Code::invalid_argument, why);
  return Done{};
}

Result<std::string> keep_secret(const std::string& path) {
  constexpr std::size_t kSecretBytes = 32;
  if (const std::string kept = read_all(path); kept.size() == kSecretBytes) return kept;
  std::string secret;
  while (secret.size() < kSecretBytes)
    for (const std::uint8_t byte : net::random_bytes()) secret.push_back(static_cast<char>(byte));
  if (const Status written = replace(path, secret); !written) return written.error();
  return secret;
}

Status make_volume(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  if (Status made = files::make_own_folder(parent, files::passage_of_sandboxes()); !made) return made;
  constexpr mode_t kVolumeMode = 0755;
  if (::mkdir(path.c_str(), kVolumeMode) == 0) {
    (void)::chmod(path.c_str(), kVolumeMode);
  } else if (errno != EEXIST) {
    return make_error(Code::io, std::string("cannot make a volume: ") + std::strerror(errno), path);
  }
  return Done{};
}

Result<std::string> volume_path(const std::string& agent_dir, const mv1::Resource& volume) {
  std::string role = volume.reservations_size() > 0 ? volume.reservations().rbegin()->role() : volume.role();
  if (const std::string why = check_role(role); !why.empty()) return make_error(Code::invalid_argument, why);
  std::replace(role.begin(), role.end(), '/', ' ');  // a role has no blanks
  const std::string& id = volume.disk().persistence().id();
  if (const std::string why = check_id(id); !why.empty()) return make_error(Code::invalid_argument, why);
  return agent_dir + "/volumes/roles/" + role + "/" + id;
}

Result<CheckpointStore::Found> CheckpointStore::load() {
  Found found;
  std::error_code failed;
  const std::string slaves = dir_ + "/meta/slaves";
  const fs::path latest = fs::read_symlink(slaves + "/latest", failed);
  if (failed || latest.empty()) return found;
  agent_id_ = latest.filename().string();
  if (!found.agent.ParseFromString(read_all(agent_path() + "/slave.info"))) {
    agent_id_.clear();
    return Found{};
  }
  for (const std::string& framework_id : folders(agent_path() + "/frameworks")) {
    const std::string framework_path = agent_path() + "/frameworks/" + framework_id;
    mv1::FrameworkInfo framework;
    if (!framework.ParseFromString(read_all(framework_path + "/framework.info"))) continue;
    found.state.frameworks.push_back(framework);
    for (const std::string& executor_id : folders(framework_path + "/executors")) {
      const std::string executor_path = framework_path + "/executors/" + executor_id;
      mv1::ExecutorInfo info;
      if (!info.ParseFromString(read_all(executor_path + "/executor.info"))) continue;
      for (const std::string& container_id : folders(executor_path + "/runs"))
        found.state.executors.push_back(read_executor(executor_path + "/runs/" + container_id,
                                                      {framework_id, executor_id, container_id}, info));
    }
  }
  read_operations(agent_path(), found.state);
  return found;
}

Status CheckpointStore::change_volume(const VolumeChange& change) const {
  const Result<std::string> path = volume_path(dir_, change.volume);
  if (!path) return path.error();
  if (change.made) return make_volume(*path);
  std::error_code failed;
  fs::remove_all(*path, failed);
  if (failed) return make_error(Code::io, failed.message(), *path);
  return Done{};
}

Result<std::string> CheckpointStore::run_path(const ContainerRef& container) const {
  if (const Status fine = check_ids(container); !fine) return fine.error();
  return agent_path() + "/frameworks/" + container.framework_id + "/executors/" + container.executor_id +
         "/runs/" + container.container_id;
}

Status CheckpointStore::write(const Checkpoint& record) {
  if (record.kind == RecordKind::agent) {
    mv1::AgentInfo info;
    if (!info.ParseFromString(record.bytes)) return make_error(Code::internal, "not an AgentInfo");
    if (const std::string why = check_id(info.id().value()); !why.empty())
      return make_error(Code::invalid_argument, why);
    if (agent_id_ != info.id().value()) frameworks_written_.clear();
    agent_id_ = info.id().value();
    if (const Status done = replace(agent_path() + "/slave.info", record.bytes); !done) return done;
    relink(dir_ + "/meta/slaves/latest", agent_id_);
    return Done{};
  }
  if (agent_id_.empty()) return make_error(Code::internal, "a checkpoint before the agent had an id");
  if (record.kind == RecordKind::framework) {
    if (const std::string why = check_id(record.container.framework_id); !why.empty())
      return make_error(Code::invalid_argument, why);
    std::string& written = frameworks_written_[record.container.framework_id];
    if (written == record.bytes) return Done{};
    const Status done = replace(
        agent_path() + "/frameworks/" + record.container.framework_id + "/framework.info", record.bytes);
    if (done) written = record.bytes;
    return done;
  }
  if (record.kind == RecordKind::resources) return replace(agent_path() + "/resources", record.bytes);
  if (record.kind == RecordKind::operations) return replace(agent_path() + "/operations", record.bytes);
  const Result<std::string> run = run_path(record.container);
  if (!run) return run.error();
  if (record.kind == RecordKind::executor) {
    if (Status made = files::make_own_folder(*run); !made) return made;
    return replace(fs::path(*run).parent_path().parent_path().string() + "/executor.info", record.bytes);
  }
  if (const std::string why = check_id(record.task_id); !why.empty())
    return make_error(Code::invalid_argument, why);
  const std::string task = *run + "/tasks/" + record.task_id;
  if (record.kind == RecordKind::task) return replace(task + "/task.info", record.bytes);
  return append_record(task + "/task.updates", record.kind == RecordKind::update ? 'U' : 'A', record.bytes);
}

Status CheckpointStore::write_pid(const ContainerRef& container, std::int64_t pid) {
  const Result<std::string> run = run_path(container);
  if (!run) return run.error();
  std::error_code failed;
  if (!fs::exists(*run, failed)) return Done{};  // its framework does not checkpoint
  return replace(
      *run + "/pids/forked.pid",
      std::to_string(pid) + " " + std::to_string(process_start_time(static_cast<pid_t>(pid))) + "\n");
}

void CheckpointStore::forget(const ContainerRef& container) {
  const Result<std::string> run = run_path(container);
  if (!run) return;
  std::error_code ignored;
  const fs::path executor = fs::path(*run).parent_path().parent_path();
  fs::remove_all(executor, ignored);
}

void CheckpointStore::forget_all() {
  std::error_code ignored;
  if (!agent_id_.empty()) fs::remove_all(agent_path(), ignored);
  fs::remove(dir_ + "/meta/slaves/latest", ignored);
  frameworks_written_.clear();
  agent_id_.clear();
}

}  // namespace mimas::pocket
