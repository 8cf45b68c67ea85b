// Which sandboxes hold logs that are not in the archive yet, so that the next executor on this machine, or
// `mimas-executor reap`, goes on where one that was killed had to stop. One small file per executor in
// /var/tmp/mimas-archive-<uid> (or $MIMAS_ARCHIVE_STATE), of mode 0700; as long as its executor lives it is
// locked, so a used-up pid fools nobody. Where no such file can be had, everything works but that.
// Tested in tests/executor/log_archive_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "files/folder.h"

namespace mimas::executor {

struct ArchiveFolder {
  std::string path;  // of the sandbox
  std::string key;   // "job/task"
  bool operator==(const ArchiveFolder&) const = default;
};

class ArchiveState {
 public:
  explicit ArchiveState(std::string directory);
  ArchiveState(const ArchiveState&) = delete;
  ArchiveState& operator=(const ArchiveState&) = delete;
  ~ArchiveState();  // removes our file if nothing is left to do

  void begin(const ArchiveFolder& folder);
  void end(std::string_view path);

  // Takes over what dead executors left, at most a hundred of them: their folders are ours from now on.
  std::vector<ArchiveFolder> adopt();
  std::vector<ArchiveFolder> abandoned() const;  // the same without taking them

  static std::string default_directory();  // without looking at the environment

 private:
  bool make();
  template <class Visit>
  void each_dead(Visit visit) const;

  std::string directory_;
  files::Folder folder_;  // it, once it is known to be ours alone
  std::string name_;      // of our own file in it; empty: not made yet
  files::File file_;      // it, locked
  bool hopeless_ = false;
  std::vector<std::string> open_;  // folders begun and not ended
};

}  // namespace mimas::executor
