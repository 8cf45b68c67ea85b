#include "executor/archive_upload.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "executor/s3_client.h"
#include "files/folder.h"

namespace mimas::executor {
namespace {

constexpr std::size_t kJournalBytesMax = 1 << 20;
constexpr std::size_t kWhyBytesMax = 300;

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::int64_t number_of(std::string_view word) {
  std::int64_t number = 0;
  const bool digits = !word.empty() && word.size() <= 18 &&
                      std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  for (const char c : digits ? word : std::string_view{}) number = number * 10 + (c - '0');
  return number;
}

std::string os_text(const char* what) { return std::string(what) + ": " + std::strerror(errno); }
Outcome later(std::string why) { return {Outcome::Kind::later, std::move(why)}; }

// The journal of one folder. Where it cannot be written, a new attempt begins anew: no loss but of time.
class Journal {
 public:
  explicit Journal(const files::Folder& folder) {
    Result<files::File> file = folder.open_or_create(kJournalName, files::Use::note, 0600);
    if (!file.ok()) return;
    file_ = std::move(file).value();
    char piece[4096];
    while (text_.size() < kJournalBytesMax) {
      const Result<std::size_t> got =
          file_.read_at(static_cast<std::int64_t>(text_.size()), piece, sizeof piece);
      if (!got.ok() || *got == 0) break;
      text_.append(piece, *got);
    }
  }
  UploadState of(std::string_view name) const { return read_journal(text_, name); }

  void add(const std::string& line) {
    std::string bytes = line + "\n";
    if (!text_.empty() && text_.back() != '\n') bytes.insert(bytes.begin(), '\n');
    if (!file_.open() || ::write(file_.descriptor(), bytes.data(), bytes.size()) < 0) return;
    text_ += bytes;
  }

 private:
  files::File file_;
  std::string text_;
};

Outcome outcome_of(const Result<S3Answer>& answer) {
  return answer.ok() ? judge(answer->status, answer->body) : later(answer.error().text());
}

bool unknown_upload(const Result<S3Answer>& answer) {
  return answer.ok() && answer->status == 404 && xml_text(answer->body, "Code") == "NoSuchUpload";
}

class S3Upload {
 public:
  S3Upload(const Upload& what, const files::Folder& folder, int fd, std::int64_t size)
      : what_(what),
        client_(what.url, what.keys),
        journal_(folder),
        key_(what.key + "/" + what.name),
        fd_(fd),
        size_(size) {}

  Outcome run() {
    UploadState state = journal_.of(what_.name);
    if (state.done) return {};
    if (size_ <= kPartBytes) return single();
    if (!state.id.empty() && state.size != size_) abort(state);
    if (state.id.empty()) {
      if (Outcome begun = begin(state); begun.kind != Outcome::Kind::done) return begun;
    }
    Outcome sent = parts(state);
    if (forgotten_) {  // by the server: all of it once more
      state = {};
      forgotten_ = false;
      sent = begin(state);
      if (sent.kind == Outcome::Kind::done) sent = parts(state);
    }
    if (sent.kind == Outcome::Kind::refused) abort(state);
    return sent;
  }

  void abort() {
    UploadState state = journal_.of(what_.name);
    if (!state.id.empty()) abort(state);
  }

 private:
  Outcome finished(const Result<S3Answer>& answer) {
    const Outcome outcome = outcome_of(answer);
    if (outcome.kind == Outcome::Kind::done) journal_.add("done " + what_.name);
    return outcome;
  }

  Outcome single() { return finished(client_.call("PUT", key_, {}, {{}, fd_, 0, size_})); }

  Outcome begin(UploadState& state) {
    const auto answer = client_.call("POST", key_, {{"uploads", ""}}, {});
    if (Outcome outcome = outcome_of(answer); outcome.kind != Outcome::Kind::done) return outcome;
    state.id = xml_text(answer->body, "UploadId");
    if (state.id.empty()) return later("the answer names no upload id");
    state.size = size_;
    journal_.add("upload " + what_.name + " " + std::to_string(size_) + " " + state.id);
    return {};
  }

  Outcome parts(UploadState& state) {
    for (;;) {
      const auto number = static_cast<std::int64_t>(state.etags.size()) + 1;
      const std::int64_t offset = (number - 1) * kPartBytes;
      if (offset >= size_) break;
      const auto answer =
          client_.call("PUT", key_, {{"partNumber", std::to_string(number)}, {"uploadId", state.id}},
                       {{}, fd_, offset, std::min(kPartBytes, size_ - offset)});
      forgotten_ = unknown_upload(answer);
      if (Outcome outcome = outcome_of(answer); outcome.kind != Outcome::Kind::done) return outcome;
      if (answer->etag.empty()) return later("the answer to a part has no ETag");
      state.etags.push_back(answer->etag);
      journal_.add("part " + what_.name + " " + std::to_string(number) + " " + answer->etag);
    }
    return complete(state);
  }

  Outcome complete(const UploadState& state) {
    std::string list = "<CompleteMultipartUpload>";
    for (std::size_t i = 0; i < state.etags.size(); ++i) {
      list += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + state.etags[i] +
              "</ETag></Part>";
    }
    list += "</CompleteMultipartUpload>";
    const auto answer = client_.call("POST", key_, {{"uploadId", state.id}}, {list});
    forgotten_ = unknown_upload(answer);
    return finished(answer);
  }

  void abort(UploadState& state) {
    const auto answer = client_.call("DELETE", key_, {{"uploadId", state.id}}, {});
    const bool over = outcome_of(answer).kind == Outcome::Kind::done || unknown_upload(answer);
    if (over) journal_.add("aborted " + what_.name);
    state = {};
  }

  const Upload& what_;
  S3Client client_;
  Journal journal_;
  std::string key_;
  int fd_;
  std::int64_t size_;
  bool forgotten_ = false;  // the last answer said that it knows no such upload
};

// The task's folder below the archive's own, which has to be there: a disk that is not mounted must not be
// mistaken for an empty archive. It may well be behind a link of the operator's.
Result<files::Folder> target_folder(const Upload& what) {
  Result<files::Folder> folder = files::Folder::at(what.url.directory + "/.");
  if (!folder.ok())
    return make_error(Code::io, os_text(("cannot enter '" + what.url.directory + "'").c_str()));
  for (std::string_view key = what.key; folder.ok() && !key.empty();) {
    const std::size_t end = std::min(key.find('/'), key.size());
    folder = folder->make_folder(key.substr(0, end), 0755);
    key.remove_prefix(std::min(end + 1, key.size()));
  }
  return folder;
}

Status copy_bytes(const files::File& from, const files::File& to) {
  char piece[16'384];
  for (std::int64_t at = 0; at < from.facts().size;) {  // and no more of it, if it is made longer meanwhile
    const auto most = static_cast<std::size_t>(
        std::min<std::int64_t>(static_cast<std::int64_t>(sizeof piece), from.facts().size - at));
    const Result<std::size_t> got = from.read_at(at, piece, most);
    if (!got.ok()) return got.error();
    if (*got == 0) break;
    at += static_cast<std::int64_t>(*got);
    for (std::size_t done = 0; done < *got;) {
      const ssize_t wrote = ::write(to.descriptor(), piece + done, *got - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote <= 0) return make_error(Code::io, os_text("cannot write"));
      done += static_cast<std::size_t>(wrote);
    }
  }
  return Done{};
}

Outcome copy(const Upload& what, const files::File& from) {
  const Result<files::Folder> folder = target_folder(what);
  if (!folder.ok()) return later(folder.error().text());
  const std::string fresh = "." + what.name + ".new";
  (void)folder->remove(fresh);
  const Result<files::File> to = folder->create(fresh, files::Use::write, 0644);
  if (!to.ok()) return later(to.error().text());
  Status done = copy_bytes(from, *to);
  if (done.ok()) done = folder->rename(fresh, what.name, to->identity());
  if (done.ok()) return {};
  (void)folder->remove(fresh);
  return later(done.error().text());
}

}  // namespace

UploadState read_journal(std::string_view journal, std::string_view name) {
  UploadState state;
  for (std::size_t end; (end = journal.find('\n')) != std::string_view::npos;
       journal.remove_prefix(end + 1)) {
    std::string_view line = journal.substr(0, end);
    const std::string_view verb = next_word(line);
    if (next_word(line) != name) continue;
    if (verb == "upload") {
      const std::int64_t size = number_of(next_word(line));
      state = {false, size, std::string(line), {}};
    } else if (verb == "part") {
      const std::int64_t number = number_of(next_word(line));
      if (!state.id.empty() && number == static_cast<std::int64_t>(state.etags.size()) + 1 && !line.empty())
        state.etags.emplace_back(line);
    } else if (verb == "done" || verb == "aborted") {
      state = {verb == "done", 0, {}, {}};
    }
  }
  return state;
}

Outcome judge(int status, std::string_view body) {
  const std::string code = xml_text(body, "Code");
  // A completion may answer 200 and fail later in the same body (S3's documentation of the call).
  const bool good = status >= 200 && status < 300 && body.find("<Error>") == std::string_view::npos;
  if (good) return {};
  std::string why = "status " + std::to_string(status);
  if (!code.empty()) why += ", " + code.substr(0, 100);
  if (const std::string text = xml_text(body, "Message"); !text.empty()) why += ": " + text;
  const bool passing = status >= 500 || status == 408 || status == 429 || (status >= 200 && status < 300) ||
                       code == "RequestTimeout" || code == "SlowDown" || code == "OperationAborted" ||
                       code == "NoSuchUpload";
  return {passing ? Outcome::Kind::later : Outcome::Kind::refused, why.substr(0, kWhyBytesMax)};
}

Outcome upload(const Upload& what) {
  const Result<files::Folder> folder = files::Folder::at(what.directory);
  const Result<files::File> file = folder.ok() ? folder->open(what.name, files::Use::read) : files::File();
  // Rotated away, something else than a log by now, or the sandbox is gone: there is nothing to be done.
  if (!file.ok() || !file->open() || file->facts().size > kUploadBytesMax) return {};
  if (what.url.kind == wire::ArchiveUrl::Kind::directory) return copy(what, *file);
  return S3Upload(what, *folder, file->descriptor(), file->facts().size).run();
}

void abort_upload(const Upload& what) {
  const Result<files::Folder> folder = files::Folder::at(what.directory);
  if (folder.ok() && what.url.kind == wire::ArchiveUrl::Kind::s3) S3Upload(what, *folder, -1, 0).abort();
}

}  // namespace mimas::executor
