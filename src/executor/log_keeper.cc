#include "executor/log_keeper.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "executor/children.h"
#include "executor/gzip.h"
#include "executor/log_archive.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kStreamBytes = 256 << 10;  // of one pipe in a round
constexpr std::int64_t kRoundBytes = 4 << 20;
constexpr std::int64_t kLeakMs = 1'000;
constexpr std::int64_t kCompressAfterMs = 2'000;
constexpr int kEvents = 64;
constexpr std::size_t kManyTasks = 64;
constexpr rlim_t kFilesMax = 16'384;
constexpr int kNiceness = 10;
constexpr std::uint32_t kCompressedMode = 0644;
constexpr const char* kNames[] = {"stdout", "stderr"};

std::string tag_of(const TaskOrder& order, std::string_view name) {
  for (const auto& [key, value] : order.spec.tags) {
    if (key == name && !value.empty()) return value;
  }
  return "none";
}

std::string fresh_name(const std::string& name) { return "." + name + ".gz.new"; }

void close_fd(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

}  // namespace

LogKeeper::LogKeeper(std::unique_ptr<LogArchive> archive) : archive_(std::move(archive)) {
  (void)::signal(SIGXFSZ, SIG_IGN);  // a file above our own limit is an error of write(), as a full disk is
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
}

// The tasks are dead by now; what they have said last is still in the pipes.
LogKeeper::~LogKeeper() {
  for (const auto& task : tasks_) {
    if (!task->left) leave(*task, now_);
  }
  stop_compressing();
  close_fd(epoll_);
}

LogKeeper::Task* LogKeeper::find(std::string_view id) const {
  for (const auto& task : tasks_) {
    if (task->id == id) return task.get();
  }
  return nullptr;
}

std::shared_ptr<LogKeeper::Folder> LogKeeper::folder_of(const TaskOrder& order) {
  for (const auto& folder : folders_) {
    if (folder->path == order.sandbox) return folder;
  }
  std::shared_ptr<Folder> folder(new Folder);  // make_shared brings the unwinder into the static executor
  folder->path = order.sandbox;
  if (auto root = files::Folder::at(order.sandbox); root.ok()) folder->root = std::move(root).value();
  folder->key = archive_key(tag_of(order, "job"), order.task_id);
  for (int i = 0; i < 2; ++i) {
    auto file = std::make_unique<LogFile>(folder->root, kNames[i], order.spec.logs, STDOUT_FILENO + i);
    if (folder->root.open() && file->open()) folder->files[i] = std::move(file);
  }
  folders_.push_back(folder);
  if (archive_) archive_->begin(folder->path, folder->key);
  return folder;
}

void LogKeeper::starting(TaskOrder& order, Instant now) {
  now_ = now;
  if (find(order.task_id) != nullptr) return;
  auto task = std::make_unique<Task>();
  task->id = order.task_id;
  task->folder = folder_of(order);
  task->own_user = !order.spec.command.user.empty();
  ++task->folder->tasks;
  for (int i = 0; i < 2; ++i) task->streams[i].file = task->folder->files[i].get();
  tasks_.push_back(std::move(task));
  raise_limit(order);
}

// Two pipes and two files each: a thousand tasks need more than the usual 1024 descriptors. The tasks
// themselves keep the limit that we were given: a program that uses select() relies on it.
void LogKeeper::raise_limit(TaskOrder& order) {
  if (tasks_.size() >= kManyTasks && files_soft_ < 0) {
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= std::min(limit.rlim_max, kFilesMax))
      return;
    const struct rlimit raised { std::min(limit.rlim_max, kFilesMax), limit.rlim_max };
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return;
    files_soft_ = static_cast<std::int64_t>(limit.rlim_cur);
    files_hard_ = limit.rlim_max == RLIM_INFINITY ? -1 : static_cast<std::int64_t>(limit.rlim_max);
  }
  if (files_soft_ < 0 || order.spec.runtime != RuntimeKind::process) return;
  auto& limits = order.spec.limits.rlimits;
  const bool named = std::any_of(limits.begin(), limits.end(),
                                 [](const ResourceLimit& limit) { return limit.name == "nofile"; });
  if (!named) limits.push_back({"nofile", files_soft_, files_hard_});
}

// A task of another user that opens /dev/stdout anew needs the right to: only who may look into its /proc
// entry gets that far.
bool LogKeeper::make_pipe(Stream& stream, bool open_to_all) const {
  int ends[2];
  if (stream.file == nullptr || ::pipe2(ends, O_CLOEXEC) != 0) return false;
  stream.reading = ends[0];
  stream.writing = ends[1];
  struct epoll_event event {};
  event.events = EPOLLIN;
  event.data.ptr = &stream;
  const bool ready = ::fcntl(stream.reading, F_SETFL, O_RDONLY | O_NONBLOCK) == 0 &&
                     ::epoll_ctl(epoll_, EPOLL_CTL_ADD, stream.reading, &event) == 0;
  if (ready && open_to_all) (void)::fchmod(stream.writing, 0666);
  if (ready) return true;
  close_fd(stream.reading);
  close_fd(stream.writing);
  return false;
}

OutputSink::Ends LogKeeper::open_pipes(std::string_view task_id) {
  Ends ends{STDOUT_FILENO, STDERR_FILENO};
  Task* task = find(task_id);
  if (task == nullptr) return ends;
  if (make_pipe(task->streams[0], task->own_user)) ends.out = task->streams[0].writing;
  if (make_pipe(task->streams[1], task->own_user)) ends.err = task->streams[1].writing;
  return ends;
}

void LogKeeper::close_pipes(std::string_view task_id) {
  if (Task* task = find(task_id)) {
    for (Stream& stream : task->streams) close_fd(stream.writing);
  }
}

bool LogKeeper::write(std::string_view task_id, bool error_stream, std::string_view bytes) {
  Task* task = find(task_id);
  if (task == nullptr) return true;
  Stream& stream = task->streams[error_stream ? 1 : 0];
  if (room_ <= 0) {
    again_ = true;
    return false;
  }
  room_ -= static_cast<std::int64_t>(bytes.size());
  stream.bytes += static_cast<std::int64_t>(bytes.size());
  if (stream.file != nullptr) stream.file->write(bytes, now_);
  wrote_ = true;
  return true;
}

std::int64_t LogKeeper::bytes_written(std::string_view task_id) const {
  const Task* task = find(task_id);
  return task == nullptr ? -1 : task->streams[0].bytes + task->streams[1].bytes;
}

void LogKeeper::take(Stream& stream, std::int64_t most, Instant now) {
  if (stream.reading < 0) return;
  const std::int64_t before = stream.file->bytes();
  const LogFile::Pipe left = stream.file->take(stream.reading, most, now);
  const std::int64_t took = stream.file->bytes() - before;
  stream.bytes += took;
  room_ -= took;
  wrote_ = wrote_ || took > 0;
  if (left == LogFile::Pipe::closed) close_reading(stream);
}

// Taken out by hand: a child that was forked a moment ago may still hold the descriptor, and then closing it
// here would not end the events that name this stream.
void LogKeeper::close_reading(Stream& stream) const {
  if (stream.reading >= 0) (void)::epoll_ctl(epoll_, EPOLL_CTL_DEL, stream.reading, nullptr);
  close_fd(stream.reading);
}

void LogKeeper::ended(std::string_view task_id, const ProcessEnd&, Instant now) {
  now_ = now;
  Task* task = find(task_id);
  if (task == nullptr || task->leave_at != kNever) return;
  close_pipes(task_id);
  task->leave_at = now + kLeakMs;
  for (Stream& stream : task->streams) take(stream, kStreamBytes, now);
  if (task->streams[0].reading < 0 && task->streams[1].reading < 0) leave(*task, now);
}

// What the pipes hold at this moment is taken, however long somebody goes on writing.
void LogKeeper::leave(Task& task, Instant now) {
  for (Stream& stream : task.streams) {
    close_fd(stream.writing);
    const int size = stream.reading < 0 ? 0 : ::fcntl(stream.reading, F_GETPIPE_SZ);
    take(stream, std::max<std::int64_t>(size, kStreamBytes), now);
    close_reading(stream);
  }
  task.left = true;
  if (--task.folder->tasks == 0) close_folder(task.folder, now);
}

void LogKeeper::close_folder(const std::shared_ptr<Folder>& folder, Instant now) {
  for (const auto& file : folder->files) {
    if (file) file->finish(now);
  }
  note_changes(now);
  if (archive_) {
    // Nobody waits for a compression any more: what is sent now may be longer, and is sent for sure.
    const auto ours = [&](const Rotated& rotated) { return rotated.folder == folder; };
    for (const Rotated& rotated : waiting_) {
      if (ours(rotated)) complete(*folder, rotated.name, now);
    }
    waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), ours), waiting_.end());
    for (const auto& file : folder->files) {
      if (file) complete(*folder, file->name(), now);
    }
    archive_->end(folder->path);
  }
  for (const auto& file : folder->files) {
    if (file) file->close();
  }
  folders_.erase(std::remove(folders_.begin(), folders_.end(), folder), folders_.end());
}

void LogKeeper::note_changes(Instant now) {
  wrote_ = false;
  for (const auto& folder : folders_) {
    for (const auto& file : folder->files) {
      if (!file) continue;
      for (const LogFile::Change& change : file->take_changes()) {
        const std::string name = file->rotated_name(change.number);
        if (change.removed) {
          note_removed(folder, name);
        } else if (file->rules().compress) {
          waiting_.push_back(
              {folder, name, change.identity, 2 * file->rules().rotate_bytes, now + kCompressAfterMs});
        } else {
          complete(*folder, name, now);
        }
      }
    }
  }
}

void LogKeeper::note_removed(const std::shared_ptr<Folder>& folder, const std::string& name) {
  const auto same = [&](const Rotated& rotated) { return rotated.folder == folder && rotated.name == name; };
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), same), waiting_.end());
  if (compressor_ != 0 && same(compressing_)) stop_compressing();
  if (archive_) archive_->removed(folder->path, name);
}

void LogKeeper::complete(const Folder& folder, const std::string& name, Instant now) {
  if (archive_) archive_->add(folder.path, folder.key, name, now);
}

void LogKeeper::compress_next(Instant now) {
  if (compressor_ != 0 || waiting_.empty() || waiting_.front().due > now) return;
  compressing_ = std::move(waiting_.front());
  waiting_.erase(waiting_.begin());
  const files::Folder& root = compressing_.folder->root;
  const std::string to = fresh_name(compressing_.name);
  (void)root.remove(to);
  const Result<files::File> in =
      root.open(compressing_.name, files::Use::read, {.same = compressing_.identity});
  const bool sane = in.ok() && in->facts().size <= compressing_.bytes_max;
  const Result<files::File> out = sane ? root.create(to, files::Use::write, kCompressedMode) : files::File();
  if (out.ok() && out->open()) {
    compressed_ = out->identity();
    compressor_ = fork_helper({in->descriptor(), out->descriptor()});
    if (compressor_ == 0) {
      (void)::setpriority(PRIO_PROCESS, 0, kNiceness);
      ::_exit(gzip(in->descriptor(), out->descriptor(), compressing_.bytes_max).ok() ? 0 : 1);
    }
  }
  if (compressor_ > 0) return;
  compressor_ = 0;
  (void)root.remove(to);
  complete(*compressing_.folder, compressing_.name, now);
  compressing_ = {};
}

void LogKeeper::child_ended(std::int64_t pid, int wait_status, Instant now) {
  if (archive_) archive_->child_ended(pid, wait_status, now);
  if (pid != compressor_ || pid == 0) return;
  compressor_ = 0;
  const Rotated done = std::exchange(compressing_, {});
  const files::Folder& root = done.folder->root;
  const bool good = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 &&
                    root.rename(fresh_name(done.name), done.name + ".gz", compressed_).ok();
  if (good) (void)root.discard(done.name, done.identity);
  else (void)root.remove(fresh_name(done.name));
  complete(*done.folder, good ? done.name + ".gz" : done.name, now);
}

void LogKeeper::stop_compressing() {
  if (compressor_ == 0) return;
  (void)::kill(static_cast<pid_t>(std::exchange(compressor_, 0)), SIGKILL);
  const Rotated stopped = std::exchange(compressing_, {});
  (void)stopped.folder->root.remove(fresh_name(stopped.name));
}

void LogKeeper::add_to(std::vector<pollfd>& polled) const {
  if (!tasks_.empty()) polled.push_back({epoll_, POLLIN, 0});
}

Instant LogKeeper::wake_at() const {
  if (again_) return Instant{0};
  Instant wake = archive_ ? archive_->wake_at() : kNever;
  if (compressor_ == 0 && !waiting_.empty()) wake = std::min(wake, waiting_.front().due);
  for (const auto& task : tasks_) wake = std::min(wake, task->left ? Instant{0} : task->leave_at);
  return wake;
}

void LogKeeper::pump(Instant now, std::vector<PartNews>& news) {
  now_ = now;
  again_ = false;
  room_ = kRoundBytes;
  read_pipes(now);
  sweep(now);
  if (wrote_) note_changes(now);
  compress_next(now);
  if (!archive_) return;
  for (std::string& line : archive_->pump(now)) news.push_back(Lines{std::move(line)});
}

// Level-triggered, and the kernel hands ready ones round: whoever finds no room now is first the next time.
void LogKeeper::read_pipes(Instant now) {
  struct epoll_event events[kEvents];
  const int ready = tasks_.empty() ? 0 : ::epoll_wait(epoll_, events, kEvents, 0);
  for (int i = 0; i < ready; ++i) {
    if (room_ > 0) take(*static_cast<Stream*>(events[i].data.ptr), std::min(kStreamBytes, room_), now);
  }
}

void LogKeeper::sweep(Instant now) {
  for (const auto& task : tasks_) {
    const bool closed = task->streams[0].reading < 0 && task->streams[1].reading < 0;
    if (!task->left && task->leave_at != kNever && (closed || now >= task->leave_at)) leave(*task, now);
  }
  tasks_.erase(std::remove_if(tasks_.begin(), tasks_.end(), [](const auto& task) { return task->left; }),
               tasks_.end());
}

bool LogKeeper::busy() const {
  const bool draining = std::any_of(tasks_.begin(), tasks_.end(),
                                    [](const auto& task) { return !task->left && task->leave_at != kNever; });
  return draining || (archive_ && (compressor_ != 0 || archive_->busy()));
}

}  // namespace mimas::executor
