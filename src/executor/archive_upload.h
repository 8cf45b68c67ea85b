// One file into the archive, from a helper process: a directory gets a copy under its final name at once or
// not at all; S3 gets one PUT up to 8 MiB, and parts of 8 MiB above. What is done is written down in a
// journal beside the log (`.mimas-archive`, a line each), so that whoever tries again goes on where this one
// stopped:
//   upload NAME SIZE ID        a multipart upload was begun
//   part NAME NUMBER ETAG      one of its parts has arrived
//   done NAME | aborted NAME   it is over
// The journal lies where the task could write: it is believed about that task's own files and nothing else,
// and both it and the logs are files of that folder or nothing (files/folder.h).
// Tested in tests/executor/s3_test.cc and, against a real server, in tests/e2e/archive_test.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "executor/s3_sign.h"
#include "wire/archive_url.h"

namespace mimas::executor {

inline constexpr std::int64_t kPartBytes = 8 << 20;
// Of one file. No log gets as long: what is longer, a task has made so, and it is not sent.
inline constexpr std::int64_t kUploadBytesMax = std::int64_t{4} << 30;
inline constexpr const char* kJournalName = ".mimas-archive";

struct UploadState {
  bool done = false;
  std::int64_t size = 0;
  std::string id;                  // of a begun multipart upload; empty: none
  std::vector<std::string> etags;  // of its parts from the first on, without a gap
  bool operator==(const UploadState&) const = default;
};
UploadState read_journal(std::string_view journal, std::string_view name);  // pure; torn lines are no lines

struct Outcome {
  enum class Kind {
    done,
    later,   // the archive is away or busy
    refused  // it will not take anything of us: wrong key, no such bucket
  };
  Kind kind = Kind::done;
  std::string why;
};
Outcome judge(int status, std::string_view body);  // of an S3 answer; pure

struct Upload {
  const wire::ArchiveUrl& url;
  const S3Keys& keys;
  std::string directory, name;  // the local file
  std::string key;              // "job/task"; the file's name is added
};
Outcome upload(const Upload& what);
// Tells the archive to forget what was begun; errors are no longer of interest.
void abort_upload(const Upload& what);

}  // namespace mimas::executor
