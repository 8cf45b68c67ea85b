#include "pocket/fetch_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "files/descriptor.h"
#include "net/http_client.h"
#include "wire/endpoint.h"

namespace mimas::pocket {
namespace {

constexpr std::int64_t kCancelLookMs = 250;
constexpr std::size_t kCopyBytes = 256 << 10;

Error source_error(const char* what, const std::string& where) {
  return make_error(Code::io, std::string(what) + ": " + std::strerror(errno), where);
}

Status write_all(const files::File& into, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(into.descriptor(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return source_error("cannot write the file", "");
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return Done{};
}

// Whatever the job names: a FIFO or device there is not waited for and not read.
Status copy_file_of_host(const std::string& from, const files::File& into) {
  const files::Descriptor source(::open(from.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat info {};
  const bool regular = source.open() && ::fstat(source.get(), &info) == 0 && S_ISREG(info.st_mode);
  if (!regular) return make_error(Code::not_found, "there is no such file", from);
  if (info.st_size > kFetchBytesMax) return make_error(Code::too_large, "the file is over 4 GiB", from);
  std::string bytes(kCopyBytes, '\0');
  for (;;) {
    const ssize_t got = ::read(source.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return source_error("cannot read", from);
    if (got == 0) return Done{};
    const Status put = write_all(into, std::string_view(bytes).substr(0, static_cast<std::size_t>(got)));
    if (!put) return put;
  }
}

Status download(const std::string& uri, const files::File& into, const std::atomic<bool>& cancelled) {
  const Result<wire::Url> url = wire::parse_url(uri);
  if (!url) return url.error();
  net::HttpClient client(url->endpoint, net::Timeouts{5'000, kFetchSilenceMs}, net::resolve_by_name);
  wire::Request request;
  request.target = url->target;
  request.host = url->endpoint.text();
  request.headers = {{"Accept", "*/*"}, {"Connection", "close"}};
  const Result<wire::ResponseHead> head = client.open_stream(std::move(request));
  if (!head) return head.error();
  if (head->status != 200)
    return make_error(Code::not_found, "the server answered " + std::to_string(head->status), uri);
  std::int64_t total = 0;
  std::int64_t silent_ms = 0;
  std::string bytes;
  for (;;) {
    if (cancelled) return make_error(Code::unavailable, "the agent is stopping");
    bytes.clear();
    const Result<bool> more = client.read_stream(bytes, kCancelLookMs);
    const bool quiet = !more && more.error().code == Code::timeout;
    silent_ms = quiet ? silent_ms + kCancelLookMs : 0;
    if (quiet && silent_ms < kFetchSilenceMs) continue;
    if (!more) return more.error();
    if (const Status put = write_all(into, bytes); !put) return put;
    total += static_cast<std::int64_t>(bytes.size());
    if (total > kFetchBytesMax) return make_error(Code::too_large, "the file is over 4 GiB", uri);
    if (!*more) return Done{};
  }
}

}  // namespace

bool is_http(const std::string& uri) { return uri.starts_with("http://"); }

Status bring(const std::string& uri, const files::File& into, const std::atomic<bool>& cancelled) {
  if (is_http(uri)) return download(uri, into, cancelled);
  if (uri.starts_with("file://")) return copy_file_of_host(uri.substr(7), into);
  if (uri.starts_with("/")) return copy_file_of_host(uri, into);
  return make_error(Code::unsupported, "only http://, file:// and absolute paths can be fetched here");
}

}  // namespace mimas::pocket
