#include "pocket/files.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>

#include "json/writer.h"
#include "pocket/face.h"

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSandboxDepth = 6;  // frameworks/<fw>/executors/<ex>/runs/<run>
constexpr std::size_t kPathBytesMax = 4'096;
constexpr std::size_t kDownloadChunk = 64 << 10;

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Error inaccessible(const std::string& path) {
  return make_error(Code::invalid_argument, "'" + path + "' is inaccessible.");
}

std::string mode_text(std::uint32_t mode) {
  std::string text = S_ISDIR(mode) ? "d" : S_ISLNK(mode) ? "l" : "-";
  const char* letters = "rwxrwxrwx";
  for (int i = 0; i < 9; ++i) text += (mode & (0400u >> i)) != 0 ? letters[i] : '-';
  return text;
}

std::string user_name(std::uint32_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char buffer[4096];
  if (::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) return entry.pw_name;
  return std::to_string(uid);
}

std::string group_name(std::uint32_t gid) {
  group entry{};
  group* found = nullptr;
  char buffer[4096];
  if (::getgrgid_r(gid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) return entry.gr_name;
  return std::to_string(gid);
}

Result<std::int64_t> number(std::string_view text, const char* what) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size())
    return make_error(Code::invalid_argument, std::string("Failed to parse ") + what +
                                                  ": Failed to convert '" + std::string(text) +
                                                  "' to number.");
  return value;
}

struct Descriptor {
  explicit Descriptor(const std::string& path)
      : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd;
};

// Opened once, asked once: what is read is what was checked.
Result<std::uint64_t> regular_size(const Descriptor& file) {
  struct stat info {};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return make_error(Code::not_found, "");
  if (S_ISDIR(info.st_mode)) return make_error(Code::invalid_argument, "Cannot read a directory.");
  if (!S_ISREG(info.st_mode)) return make_error(Code::invalid_argument, "Cannot read a special file.");
  return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace

http::Reply file_error(const Error& error) {
  return error.code == Code::not_found ? plain(404, "") : plain(400, error.message);
}

Result<std::string> Files::resolve(const std::string& path) const {
  // Also by the sandbox's own path, as "/state" tells it: what follows is checked the same.
  const bool by_host = path.starts_with(root_ + "/");
  const std::vector<std::string> parts = components(by_host ? path.substr(root_.size()) : path);
  const bool odd = path.size() > kPathBytesMax || path.find('\0') != std::string::npos ||
                   std::any_of(parts.begin(), parts.end(),
                               [](const std::string& one) { return one == "." || one == ".."; });
  if (odd) return inaccessible(path);
  const bool shaped = parts.size() >= kSandboxDepth && parts[0] == "frameworks" && parts[2] == "executors" &&
                      parts[4] == "runs";
  if (!shaped) return make_error(Code::not_found, "");
  std::string sandbox = root_;
  for (std::size_t i = 0; i < kSandboxDepth; ++i) sandbox += "/" + parts[i];
  std::string wanted = sandbox;
  for (std::size_t i = kSandboxDepth; i < parts.size(); ++i) wanted += "/" + parts[i];
  std::error_code failed;
  const fs::path inside = fs::canonical(sandbox, failed);
  if (failed) return make_error(Code::not_found, "");
  const fs::path real = fs::canonical(wanted, failed);
  if (failed) return make_error(Code::not_found, "");
  const auto mismatch = std::mismatch(inside.begin(), inside.end(), real.begin(), real.end());
  if (mismatch.first != inside.end()) return inaccessible(path);
  return real.string();
}

Result<std::vector<FileEntry>> Files::list(const std::string& path) const {
  const Result<std::string> real = resolve(path);
  if (!real) return real.error();
  std::vector<FileEntry> entries;
  std::string base = path;
  while (!base.empty() && base.back() == '/') base.pop_back();
  std::error_code failed;
  if (!fs::is_directory(*real, failed)) return entries;
  for (const auto& entry : fs::directory_iterator(*real, failed)) {
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) != 0) continue;
    entries.push_back({base + "/" + entry.path().filename().string(),
                       static_cast<std::uint64_t>(info.st_nlink), static_cast<std::uint64_t>(info.st_size),
                       static_cast<double>(info.st_mtime), static_cast<std::uint32_t>(info.st_mode),
                       info.st_uid, info.st_gid});
  }
  std::sort(entries.begin(), entries.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  return entries;
}

Result<FilePiece> Files::read(const std::string& path, std::uint64_t offset, std::int64_t length) const {
  const Result<std::string> real = resolve(path);
  if (!real) return real.error();
  const Descriptor file(*real);
  const Result<std::uint64_t> size = regular_size(file);
  if (!size) return size.error();
  FilePiece piece;
  piece.size = *size;
  if (offset >= *size) return piece;
  const std::int64_t wanted = length < 0 ? kReadBytesMax : std::min(length, kReadBytesMax);
  piece.data.resize(static_cast<std::size_t>(wanted));
  const ssize_t got = ::pread(file.fd, piece.data.data(), piece.data.size(), static_cast<off_t>(offset));
  piece.data.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return piece;
}

http::Reply Files::handle(const http::Request& request) const {
  bool present = false;
  const std::string path(request.parameter("path", &present));
  if (!present) return plain(400, "Expecting 'path=value' in query.\n");
  if (request.path == "/files/read") return read_reply(request, path);
  if (request.path == "/files/browse") return browse_reply(path);
  if (request.path == "/files/download") return download_reply(path);
  return not_found();
}

http::Reply Files::read_reply(const http::Request& request, const std::string& path) const {
  std::int64_t offset = -1;
  std::int64_t length = -1;
  for (const auto& [name, into] :
       {std::pair<const char*, std::int64_t*>{"offset", &offset}, {"length", &length}}) {
    bool present = false;
    const std::string_view text = request.parameter(name, &present);
    if (!present || text.empty()) continue;
    const Result<std::int64_t> value = number(text, name);
    if (!value) return file_error(value.error());
    if (*value < -1) {
      const std::string what =
          name == std::string_view("offset") ? "Negative offset provided: " : "Negative length provided: ";
      return plain(400, what + std::string(text) + ".\n");
    }
    *into = *value;
  }
  const bool only_size = offset < 0;
  const Result<FilePiece> piece =
      read(path, only_size ? 0 : static_cast<std::uint64_t>(offset), only_size ? 0 : length);
  if (!piece) return file_error(piece.error());
  json::Writer out;
  out.begin_object().member("data", piece->data);
  out.member("offset", only_size ? static_cast<std::int64_t>(piece->size) : offset).end_object();
  return json_reply(out.take());
}

http::Reply Files::browse_reply(const std::string& path) const {
  const Result<std::vector<FileEntry>> entries = list(path);
  if (!entries) return file_error(entries.error());
  json::Writer out;
  out.begin_array();
  for (const FileEntry& entry : *entries) {
    out.begin_object().member("path", entry.path).member("nlink", static_cast<std::int64_t>(entry.links));
    out.member("size", static_cast<std::int64_t>(entry.size)).member("mtime", entry.mtime);
    out.member("mode", mode_text(entry.mode)).member("uid", user_name(entry.uid));
    out.member("gid", group_name(entry.gid)).end_object();
  }
  out.end_array();
  return json_reply(out.take());
}

http::Reply Files::download_reply(const std::string& path) const {
  const Result<std::string> real = resolve(path);
  if (!real) return file_error(real.error());
  auto file = std::make_shared<Descriptor>(*real);
  const Result<std::uint64_t> size = regular_size(*file);
  if (!size) {
    const bool folder = size.error().message == "Cannot read a directory.";
    return folder ? plain(400, "Cannot download a directory.\n") : file_error(size.error());
  }
  http::Reply reply;
  reply.content_type = "application/octet-stream";
  std::string name = fs::path(*real).filename().string();
  std::erase_if(name, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
  reply.headers.push_back({"Content-Disposition", "attachment; filename=\"" + name + "\""});
  reply.stream = [file, left = *size](http::StreamWriter& writer) mutable {
    std::string chunk;
    while (left > 0) {
      chunk.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kDownloadChunk)));
      const ssize_t got = ::read(file->fd, chunk.data(), chunk.size());
      if (got <= 0) return;
      left -= static_cast<std::uint64_t>(got);
      if (!writer.write(std::string_view(chunk.data(), static_cast<std::size_t>(got)))) return;
    }
  };
  return reply;
}

}  // namespace mimas::pocket
