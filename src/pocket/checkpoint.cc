#include "pocket/checkpoint.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "net/clock.h"
#include "pocket/call_check.h"
#include "pocket/process.h"

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRecordBytesMax = 16u << 20;

Status io_error(const std::string& what, const std::string& path) {
  return make_error(Code::io, what + ": " + std::strerror(errno), path);
}

// Empty when it cannot be read. By operator<<, which catches what a stream buffer throws for a directory.
std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Status replace(const std::string& path, const std::string& bytes) {
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  if (failed) return make_error(Code::io, "cannot make the folder: " + failed.message(), path);
  const std::string temporary = path + ".new";
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return io_error("cannot write", temporary);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return io_error("cannot rename", path);
  return Done{};
}

Status append_record(const std::string& path, char kind, const std::string& bytes) {
  std::string record(1, kind);
  const std::uint32_t size = static_cast<std::uint32_t>(bytes.size());
  for (int shift = 0; shift < 32; shift += 8) record.push_back(static_cast<char>(size >> shift));
  record += bytes;
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file.write(record.data(), static_cast<std::streamsize>(record.size()));
  file.close();
  return file ? Status(Done{}) : io_error("cannot append", path);
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

Status check_ids(const ContainerRef& container) {
  for (const std::string* id : {&container.framework_id, &container.executor_id, &container.container_id})
    if (const std::string why = check_id(*id); !why.empty()) return make_error(Code::invalid_argument, why);
  return Done{};
}

void relink(const std::string& link, const std::string& target) {
  std::error_code ignored;
  fs::remove(link + ".new", ignored);
  fs::create_directory_symlink(target, link + ".new", ignored);
  fs::rename(link + ".new", link, ignored);
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

Result<std::string> keep_secret(const std::string& path) {
  constexpr std::size_t kSecretBytes = 32;
  if (const std::string kept = read_all(path); kept.size() == kSecretBytes) return kept;
  std::string secret;
  while (secret.size() < kSecretBytes)
    for (const std::uint8_t byte : net::random_bytes()) secret.push_back(static_cast<char>(byte));
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  if (failed) return make_error(Code::io, "cannot make the folder: " + failed.message(), path);
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("cannot write", temporary).error();
  const bool written = ::write(fd, secret.data(), secret.size()) == static_cast<ssize_t>(secret.size());
  ::close(fd);
  if (!written) return io_error("cannot write", temporary).error();
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return io_error("cannot rename", path).error();
  return secret;
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
  std::error_code failed;
  if (change.made) {
    fs::create_directories(*path, failed);
  } else {
    fs::remove_all(*path, failed);
  }
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
    std::error_code failed;
    fs::create_directories(*run, failed);
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

Result<std::string> make_sandbox(const std::string& agent_dir, const std::string& agent_id,
                                 const ContainerRef& container) {
  if (const Status fine = check_ids(container); !fine) return fine.error();
  if (const std::string why = check_id(agent_id); !why.empty())
    return make_error(Code::invalid_argument, why);
  const std::string runs = agent_dir + "/slaves/" + agent_id + "/frameworks/" + container.framework_id +
                           "/executors/" + container.executor_id + "/runs";
  const std::string sandbox = runs + "/" + container.container_id;
  std::error_code failed;
  fs::create_directories(sandbox, failed);
  if (failed) return make_error(Code::io, "cannot make the sandbox: " + failed.message(), sandbox);
  relink(runs + "/latest", container.container_id);
  relink(agent_dir + "/slaves/latest", agent_id);
  return sandbox;
}

Status link_volumes(const std::string& agent_dir, const std::string& sandbox,
                    const std::vector<mv1::Resource>& volumes) {
  for (const mv1::Resource& volume : volumes) {
    const Result<std::string> folder = volume_path(agent_dir, volume);
    if (!folder) return folder.error();
    const std::string& text = volume.disk().volume().container_path();
    const fs::path inner = fs::path(text).lexically_normal();
    const bool inside = inner.is_relative() && !inner.empty() && *inner.begin() != ".." && inner != ".";
    if (!inside) return make_error(Code::invalid_argument, "a volume must be inside the sandbox", text);
    const fs::path link = fs::path(sandbox) / inner;
    std::error_code failed;
    if (fs::is_symlink(link, failed) && fs::read_symlink(link, failed) == fs::path(*folder)) continue;
    fs::create_directories(*folder, failed);
    fs::create_directories(link.parent_path(), failed);
    fs::create_directory_symlink(*folder, link, failed);
    if (failed) return make_error(Code::io, "cannot link a volume: " + failed.message(), text);
  }
  return Done{};
}

}  // namespace mimas::pocket
