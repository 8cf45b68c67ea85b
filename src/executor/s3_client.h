// Requests to an S3 server, one connection each, signed with its keys. Blocking, for a helper process: 5 s to
// connect, 30 s of silence. A body is a text or a range of a file, which is read twice (hashed, then sent) in
// pieces of 64 KiB and never held whole. Tested in tests/e2e/archive_test.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "executor/s3_sign.h"
#include "wire/archive_url.h"

namespace mimas::executor {

struct S3Body {
  std::string_view text;
  int fd = -1;  // else this, from `offset`
  std::int64_t offset = 0, size = 0;
};
struct S3Answer {
  int status = 0;
  std::string etag;  // as it came, with its quotes
  std::string body;
};

class S3Client {
 public:
  S3Client(const wire::ArchiveUrl& url, const S3Keys& keys) : url_(url), keys_(keys) {}

  // `key` without the archive's prefix. Errors: io, timeout, protocol, unavailable: another try may succeed.
  Result<S3Answer> call(const char* method, std::string_view key,
                        std::vector<std::pair<std::string, std::string>> query, const S3Body& body) const;

 private:
  const wire::ArchiveUrl& url_;
  const S3Keys& keys_;
};

// The text of the first <name>…</name>, with XML's five entities read; empty if there is none.
std::string xml_text(std::string_view xml, std::string_view name);

}  // namespace mimas::executor
