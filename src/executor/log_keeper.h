// Keeps what tasks print: moves it from their pipes (or from Docker's API, write()) into `stdout` and
// `stderr` of their sandboxes, rotates these (log_file.h), has rotated files compressed by a helper process,
// and hands what is complete to the archive (log_archive.h), if there is one.
//
// Bounded: 256 KiB a round from one pipe and 4 MiB from all, so that a flood never keeps the loop from its
// other work; on disk, for each stream, (keep + 1) · rotate_bytes, and for the whole executor one file more
// while it is compressed and one while it is sent. After the last process of a task has gone, its pipes are
// read to their end; a process elsewhere that has got hold of a writing end is waited for one second.
//
// A rotated file is compressed when it is two seconds old, so that who follows the log can finish reading it;
// during a flood it is removed before that. Where no file can be had in the sandbox, a task gets our own
// stdout and stderr. Tasks that share a sandbox (an unshared executor's group) share its files.
//
// One thread: the loop's. Tested in tests/executor/log_keeper_test.cc and tests/e2e/logs_test.py.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "executor/log_file.h"
#include "executor/part.h"
#include "executor/runtime.h"

namespace mimas::executor {

class LogArchive;

class LogKeeper : public Part, public OutputSink {
 public:
  explicit LogKeeper(std::unique_ptr<LogArchive> archive);  // null: none
  ~LogKeeper() override;

  Ends open_pipes(std::string_view task_id) override;
  void close_pipes(std::string_view task_id) override;
  bool write(std::string_view task_id, bool error_stream, std::string_view bytes) override;
  std::int64_t bytes_written(std::string_view task_id) const override;  // also shortly after its end

  void starting(TaskOrder& order, Instant now) override;
  void ended(std::string_view task_id, const ProcessEnd& end, Instant now) override;
  void child_ended(std::int64_t pid, int wait_status, Instant now) override;
  void add_to(std::vector<pollfd>& polled) const override;
  Instant wake_at() const override;
  void pump(Instant now, std::vector<PartNews>& news) override;
  bool busy() const override;

 private:
  struct Folder {  // a sandbox; tasks of an unshared executor share one
    std::string path;
    files::Folder root;
    std::string key;  // in the archive: job/task
    std::unique_ptr<LogFile> files[2];
    int tasks = 0;
  };
  struct Stream {
    LogFile* file = nullptr;  // null: none could be had
    int reading = -1, writing = -1;
    std::int64_t bytes = 0;
  };
  struct Task {
    std::string id;
    std::shared_ptr<Folder> folder;
    Stream streams[2];
    bool own_user = false;
    Instant leave_at = kNever;  // ended: when the pipes are closed at the latest
    bool left = false;
  };
  struct Rotated {
    std::shared_ptr<Folder> folder;
    std::string name;  // of the file in it
    files::Identity identity;
    std::int64_t bytes_max = 0;  // what is longer was made so by somebody else
    Instant due{0};
  };

  Task* find(std::string_view id) const;
  std::shared_ptr<Folder> folder_of(const TaskOrder& order);
  void raise_limit(TaskOrder& order);
  bool make_pipe(Stream& stream, bool open_to_all) const;
  void take(Stream& stream, std::int64_t most, Instant now);
  void close_reading(Stream& stream) const;
  void read_pipes(Instant now);
  void leave(Task& task, Instant now);
  void sweep(Instant now);
  void note_changes(Instant now);
  void note_removed(const std::shared_ptr<Folder>& folder, const std::string& name);
  void close_folder(const std::shared_ptr<Folder>& folder, Instant now);
  void compress_next(Instant now);
  void stop_compressing();
  void complete(const Folder& folder, const std::string& name, Instant now);

  std::unique_ptr<LogArchive> archive_;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<std::shared_ptr<Folder>> folders_;
  std::vector<Rotated> waiting_;  // for compression, oldest first
  Rotated compressing_;
  files::Identity compressed_;   // what comes out of it
  std::int64_t compressor_ = 0;  // pid; 0: none
  int epoll_ = -1;
  bool again_ = false;                              // more is to be had than one round may take
  bool wrote_ = false;                              // since note_changes()
  std::int64_t room_ = 0;                           // of this round
  Instant now_{0};                                  // of the last round
  std::int64_t files_soft_ = -1, files_hard_ = -1;  // our limit of open files, before we raised it
};

}  // namespace mimas::executor
