#include "pocket/files.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

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
constexpr std::int64_t kDownloadChunk = 64 << 10;

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

constexpr files::Terms kShown{files::Links::beneath, files::SecondNames::of_owner, {}};

// What the door says, in the words of Mesos's agent.
Error told(const Error& error, const std::string& path) {
  if (error.code == Code::not_found) return make_error(Code::not_found, "");
  if (error.code == Code::permission_denied || error.code == Code::invalid_argument)
    return inaccessible(path);
  return make_error(Code::invalid_argument, error.message);
}

FileEntry entry_of(std::string path, const files::Facts& facts) {
  constexpr std::int64_t kMsPerSecond = 1'000;
  return {std::move(path),
          facts.names,
          static_cast<std::uint64_t>(facts.size),
          static_cast<double>(facts.mtime_ms / kMsPerSecond),
          facts.mode,
          facts.uid,
          facts.gid};
}

}  // namespace

http::Reply file_error(const Error& error) {
  return error.code == Code::not_found ? plain(404, "") : plain(400, error.message);
}

Result<Files::Place> Files::find(const std::string& path) const {
  // Also by the sandbox's own path, as "/state" tells it: what follows is checked the same.
  const bool by_host = path.starts_with(root_ + "/");
  std::vector<std::string> parts = components(by_host ? path.substr(root_.size()) : path);
  const bool odd =
      path.size() > kPathBytesMax || !std::all_of(parts.begin(), parts.end(), files::is_plain_name);
  if (odd) return inaccessible(path);
  const bool shaped = parts.size() >= kSandboxDepth && parts[0] == "frameworks" && parts[2] == "executors" &&
                      parts[4] == "runs";
  if (!shaped) return make_error(Code::not_found, "");
  // Down to the sandbox all folders and links are ours.
  std::string runs = root_;
  for (std::size_t i = 0; i + 1 < kSandboxDepth; ++i) runs += "/" + parts[i];
  std::string& run = parts[kSandboxDepth - 1];
  std::error_code failed;
  if (run == "latest") run = fs::read_symlink(runs + "/latest", failed).filename().string();
  if (failed || !files::is_plain_name(run)) return make_error(Code::not_found, "");
  Result<files::Folder> sandbox = files::Folder::at(runs + "/" + run);
  if (!sandbox) return make_error(Code::not_found, "");
  Place place{*std::move(sandbox), {}};
  for (std::size_t i = kSandboxDepth; i < parts.size(); ++i)
    place.below += (place.below.empty() ? "" : "/") + parts[i];
  return place;
}

Result<files::File> Files::open(const std::string& path) const {
  const Result<Place> place = find(path);
  if (!place) return place.error();
  files::Kind kind = files::Kind::folder;
  if (!place->below.empty()) {
    const Result<files::Facts> seen = place->sandbox.look(place->below, kShown.links);
    if (!seen) return told(seen.error(), path);
    kind = seen->kind;
  }
  if (kind == files::Kind::folder) return make_error(Code::invalid_argument, "Cannot read a directory.");
  if (kind != files::Kind::regular) return make_error(Code::invalid_argument, "Cannot read a special file.");
  Result<files::File> file = place->sandbox.open(place->below, files::Use::read, kShown);
  if (!file) return told(file.error(), path);
  return file;
}

Result<std::vector<FileEntry>> Files::list(const std::string& path) const {
  Result<Place> place = find(path);
  if (!place) return place.error();
  std::vector<FileEntry> entries;
  std::string base = path;
  while (!base.empty() && base.back() == '/') base.pop_back();
  files::Folder folder = std::move(place->sandbox);
  if (!place->below.empty()) {
    const Result<files::Facts> seen = folder.look(place->below, kShown.links);
    if (!seen) return told(seen.error(), path);
    if (seen->kind != files::Kind::folder) return entries;
    Result<files::Folder> inner = folder.enter(place->below, kShown.links);
    if (!inner) return told(inner.error(), path);
    folder = *std::move(inner);
  }
  const Result<std::vector<files::Entry>> found = folder.list();
  if (!found) return told(found.error(), path);
  for (const files::Entry& entry : *found) entries.push_back(entry_of(base + "/" + entry.name, entry.facts));
  return entries;
}

Result<FilePiece> Files::read(const std::string& path, std::uint64_t offset, std::int64_t length) const {
  const Result<files::File> file = open(path);
  if (!file) return file.error();
  FilePiece piece;
  piece.size = static_cast<std::uint64_t>(file->facts().size);
  if (offset >= piece.size) return piece;
  const std::int64_t wanted = length < 0 ? kReadBytesMax : std::min(length, kReadBytesMax);
  piece.data.resize(static_cast<std::size_t>(wanted));
  const Result<std::size_t> got =
      file->read_at(static_cast<std::int64_t>(offset), piece.data.data(), piece.data.size());
  piece.data.resize(got.ok() ? *got : 0);
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
  Result<files::File> opened = open(path);
  if (!opened) {
    const bool folder = opened.error().message == "Cannot read a directory.";
    return folder ? plain(400, "Cannot download a directory.\n") : file_error(opened.error());
  }
  auto file = std::make_shared<files::File>(*std::move(opened));
  http::Reply reply;
  reply.content_type = "application/octet-stream";
  std::string name = components(path).back();
  std::erase_if(name, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
  reply.headers.push_back({"Content-Disposition", "attachment; filename=\"" + name + "\""});
  reply.stream = [file](http::StreamWriter& writer) {
    std::string chunk;
    for (std::int64_t at = 0; at < file->facts().size; at += static_cast<std::int64_t>(chunk.size())) {
      const std::int64_t left = file->facts().size - at;
      chunk.resize(static_cast<std::size_t>(std::min(left, kDownloadChunk)));
      const Result<std::size_t> got = file->read_at(at, chunk.data(), chunk.size());
      if (!got || *got == 0) return;
      chunk.resize(*got);
      if (!writer.write(chunk)) return;
    }
  };
  return reply;
}

}  // namespace mimas::pocket
