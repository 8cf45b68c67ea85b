#include "pocket/fetcher.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "net/http_client.h"
#include "pocket/process.h"
#include "wire/endpoint.h"

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCancelLookMs = 250;

bool is_http(const std::string& uri) { return uri.starts_with("http://"); }

Status copy(const std::string& from, const std::string& to) {
  std::error_code failed;
  if (!fs::is_regular_file(from, failed)) return make_error(Code::not_found, "there is no such file", from);
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, failed);
  if (failed) return make_error(Code::io, "cannot copy: " + failed.message(), from);
  return Done{};
}

Status download(const std::string& uri, const std::string& to, const std::atomic<bool>& cancelled) {
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
  const std::string partial = to + ".partial";
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
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
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    total += static_cast<std::int64_t>(bytes.size());
    if (total > kFetchBytesMax) return make_error(Code::too_large, "the file is over 4 GiB", uri);
    if (!*more) break;
  }
  file.close();
  if (!file) return make_error(Code::io, "cannot write the file", partial);
  if (std::rename(partial.c_str(), to.c_str()) != 0)
    return make_error(Code::io, std::string("cannot rename: ") + std::strerror(errno), to);
  return Done{};
}

Status bring(const std::string& uri, const std::string& to, const std::atomic<bool>& cancelled) {
  if (is_http(uri)) return download(uri, to, cancelled);
  if (uri.starts_with("file://")) return copy(uri.substr(7), to);
  if (uri.starts_with("/")) return copy(uri, to);
  return make_error(Code::unsupported, "only http://, file:// and absolute paths can be fetched here");
}

bool is_archive(const std::string& name) {
  for (const char* ending : {".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"})
    if (name.ends_with(ending)) return true;
  return false;
}

Status extract(const std::string& archive, const std::string& sandbox) {
  Program tar;
  tar.argv = {"tar", "-x", "-f", archive, "-C", sandbox};
  tar.environment = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  tar.new_session = false;
  const Result<pid_t> pid = spawn(tar);
  if (!pid) return pid.error();
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) return make_error(Code::invalid_argument, "tar could not unpack it", archive);
  return Done{};
}

std::string cache_name(const std::string& uri) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;  // FNV-1a
  for (const char c : uri) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
  char text[40];
  std::snprintf(text, sizeof text, "%016llx-%zu", static_cast<unsigned long long>(hash), uri.size());
  return text;
}

}  // namespace

Result<std::string> fetched_name(const mv1::CommandInfo::URI& uri) {
  std::string name = uri.output_file();
  if (!uri.has_output_file()) name = uri.value().substr(uri.value().rfind('/') + 1);
  const fs::path path(name);
  const bool escapes =
      std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  if (name.empty() || path.is_absolute() || escapes || name.find('\0') != std::string::npos ||
      name.ends_with('/'))
    return make_error(Code::invalid_argument, "'" + name + "' is not a file name inside the sandbox");
  return name;
}

Result<std::string> Fetcher::cached(const std::string& uri) {
  const std::lock_guard lock(cache_mutex_);
  std::error_code failed;
  fs::create_directories(cache_dir_, failed);
  const std::string path = cache_dir_ + "/" + cache_name(uri);
  if (fs::exists(path, failed)) return path;
  if (const Status done = bring(uri, path, cancelled_); !done) return done.error();
  return path;
}

Status Fetcher::fetch_one(const mv1::CommandInfo::URI& uri, const std::string& sandbox) {
  const Result<std::string> name = fetched_name(uri);
  if (!name) return name.error();
  const std::string target = sandbox + "/" + *name;
  std::error_code failed;
  fs::create_directories(fs::path(target).parent_path(), failed);
  if (uri.cache() && is_http(uri.value())) {
    const Result<std::string> source = cached(uri.value());
    if (!source) return source.error();
    if (const Status done = copy(*source, target); !done) return done;
  } else if (const Status done = bring(uri.value(), target, cancelled_); !done) {
    return done;
  }
  if (uri.executable()) {
    if (::chmod(target.c_str(), 0755) != 0)
      return make_error(Code::io, std::string("chmod: ") + std::strerror(errno), target);
  } else if (uri.extract() && is_archive(*name)) {
    return extract(target, sandbox);
  }
  return Done{};
}

Status Fetcher::fetch(const mv1::CommandInfo& command, const std::string& sandbox) {
  for (const mv1::CommandInfo::URI& uri : command.uris()) {
    const Status done = fetch_one(uri, sandbox);
    if (!done)
      return make_error(done.error().code,
                        "Failed to fetch URI '" + uri.value() + "': " + done.error().text());
  }
  return Done{};
}

}  // namespace mimas::pocket
