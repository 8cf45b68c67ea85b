// Where logs are archived, as operators write it (--archive) and as executor and server read it:
//   s3://bucket[/prefix]?endpoint=http://10.0.0.5:9000[&region=us-east-1][&style=path]
//   file:///directory
// Pure. Only http endpoints with a numeric address: the executor resolves no names and carries no TLS. An
// object's key is <prefix>/<job>/<task>/<file>. Errors (invalid_argument, unsupported) say what is wanted.
// Tested in tests/wire/archive_url_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/endpoint.h"

namespace mimas::wire {

struct ArchiveUrl {
  enum class Kind { directory, s3 };
  Kind kind = Kind::directory;
  std::string directory;  // absolute, without a slash at the end
  std::string bucket;
  std::string prefix;  // without slashes around it; may be empty
  Endpoint endpoint;
  std::string region = "us-east-1";
  bool operator==(const ArchiveUrl&) const = default;

  std::string object_key(std::string_view key) const;   // with the prefix
  std::string object_path(std::string_view key) const;  // s3: "/bucket/prefix/key", percent-encoded
  std::string object_url(std::string_view key) const;   // "http://10.0.0.5:9000/bucket/…", "file:///…"
};

Result<ArchiveUrl> parse_archive_url(std::string_view text);

// Percent-encodes each part between slashes.
std::string encode_path(std::string_view path);

}  // namespace mimas::wire
