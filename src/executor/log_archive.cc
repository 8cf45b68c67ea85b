#include "executor/log_archive.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "executor/archive_upload.h"
#include "executor/children.h"
#include "executor/loop.h"
#include "files/folder.h"
#include "net/clock.h"

namespace mimas::executor {
namespace {

constexpr int kLater = 1, kRefused = 2;  // exit statuses of the helper
constexpr std::int64_t kLookMs = 20;     // of reap

bool is_log(std::string_view name) {
  const std::string_view stream = name.substr(0, 6);
  if (stream != "stdout" && stream != "stderr") return false;
  std::string_view rest = name.substr(6);
  if (rest.empty()) return true;
  if (rest.ends_with(".gz")) rest.remove_suffix(3);
  return rest.size() >= 2 && rest.front() == '.' &&
         std::all_of(rest.begin() + 1, rest.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> logs_in(const std::string& path) {
  std::vector<std::string> names;
  const Result<files::Folder> folder = files::Folder::at(path);
  const auto entries = folder.ok() ? folder->list() : std::vector<files::Entry>();
  if (!entries.ok()) return names;
  for (const files::Entry& entry : *entries) {
    if (entry.facts.kind == files::Kind::regular && is_log(entry.name)) names.push_back(entry.name);
  }
  return names;
}

std::string plain_part(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '/' || static_cast<unsigned char>(c) < 0x20 ? '_' : c;
  return out.empty() || out == "." || out == ".." ? "_" : out;
}

}  // namespace

std::string archive_key(std::string_view job, std::string_view task) {
  return plain_part(job) + "/" + plain_part(task);
}

ArchiveEnvironment take_archive_environment(char** environment) {
  ArchiveEnvironment taken;
  const std::pair<const char*, std::string*> names[] = {{"MIMAS_ARCHIVE_ACCESS_KEY=", &taken.keys.access},
                                                        {"MIMAS_ARCHIVE_SECRET_KEY=", &taken.keys.secret},
                                                        {"MIMAS_ARCHIVE_STATE=", &taken.state}};
  for (char** entry = environment; entry != nullptr && *entry != nullptr; ++entry) {
    for (const auto& [name, into] : names) {
      const std::size_t length = std::strlen(name);
      if (std::strncmp(*entry, name, length) != 0) continue;
      *into = *entry + length;
      for (volatile char* at = *entry + length; *at != '\0'; ++at) *at = '\0';
    }
  }
  return taken;
}

LogArchive::LogArchive(wire::ArchiveUrl url, ArchiveEnvironment environment)
    : url_(std::move(url)),
      keys_(std::move(environment.keys)),
      state_(environment.state.empty() ? ArchiveState::default_directory() : std::move(environment.state)),
      prng_(net::random_seed()) {}

// An upload that has begun stays in its journal for the next executor.
LogArchive::~LogArchive() {
  if (pid_ != 0) (void)::kill(static_cast<pid_t>(pid_), SIGKILL);
}

void LogArchive::begin(const std::string& path, const std::string& key) {
  if (refused_) return;
  state_.begin({path, key});
  folders_.push_back({path, true});
}

void LogArchive::add(const std::string& path, const std::string& key, const std::string& name, Instant) {
  if (!refused_) queue_.push_back({path, key, name});
}

void LogArchive::removed(const std::string& path, const std::string& name) {
  const auto found = std::find_if(queue_.begin(), queue_.end(), [&](const Item& item) {
    return item.path == path && (item.name == name || item.name == name + ".gz") && !item.abort;
  });
  if (found == queue_.end()) return;
  if (lost_++ == 0) {
    lines_.push_back("archive: " + found->name + " of " + found->key +
                     " was rotated away before it could be sent; more of them are counted");
  }
  if (found->tried) {
    found->abort = true;
  } else {
    queue_.erase(found);
  }
}

void LogArchive::end(const std::string& path) {
  for (Folder& folder : folders_) {
    if (folder.path == path) folder.open = false;
  }
  settle();
}

void LogArchive::adopt(Instant) {
  for (const ArchiveFolder& folder : state_.adopt()) {
    const std::vector<std::string> names = logs_in(folder.path);
    for (const std::string& name : names) queue_.push_back({folder.path, folder.key, name, true});
    folders_.push_back({folder.path, false});
    lines_.push_back("archive: goes on with " + std::to_string(names.size()) + " files of " + folder.key +
                     ", which an executor before us had to leave");
  }
  settle();
}

// A folder is done when nothing of it is waiting and nothing more will come.
void LogArchive::settle() {
  const auto done = [&](const Folder& folder) {
    const auto ours = [&](const Item& item) { return item.path == folder.path; };
    if (folder.open || (pid_ != 0 && ours(current_)) || std::any_of(queue_.begin(), queue_.end(), ours))
      return false;
    if (const auto root = files::Folder::at(folder.path); root.ok()) (void)root->remove(kJournalName);
    state_.end(folder.path);
    return true;
  };
  folders_.erase(std::remove_if(folders_.begin(), folders_.end(), done), folders_.end());
}

void LogArchive::work(const Item& item, bool quiet) const {
  const Upload what{url_, keys_, item.path, item.name, item.key};
  if (item.abort) {
    abort_upload(what);
    ::_exit(0);
  }
  const Outcome outcome = upload(what);
  if (outcome.kind == Outcome::Kind::done) ::_exit(0);
  const bool refused = outcome.kind == Outcome::Kind::refused;
  if (!quiet || refused) {
    say("archive: cannot send " + item.name + " to " + url_.object_url(item.key + "/" + item.name) + ": " +
        outcome.why + (refused ? "; logs of this executor are not archived" : "; it is tried again"));
  }
  ::_exit(refused ? kRefused : kLater);
}

void LogArchive::start(Instant now) {
  if (pid_ != 0 || queue_.empty() || now < due_) return;
  current_ = std::move(queue_.front());
  queue_.pop_front();
  const std::int64_t pid = fork_helper({});
  if (pid == 0) work(current_, away_);
  current_.tried = true;
  if (pid > 0) {
    pid_ = pid;
  } else {
    queue_.push_front(std::move(current_));
    due_ = now + backoff_.next_ms(prng_);
  }
}

void LogArchive::child_ended(std::int64_t pid, int wait_status, Instant now) {
  if (pid == 0 || pid != pid_) return;
  pid_ = 0;
  const int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : kLater;
  if (status == kRefused) {
    refused_ = true;
    queue_.clear();
    for (Folder& folder : folders_) folder.open = false;
  } else if (status == 0) {
    if (std::exchange(away_, false)) {
      lines_.push_back("archive: it takes files again; " + std::to_string(lost_) +
                       " were rotated away before");
      lost_ = 0;
    }
    backoff_.reset();
    due_ = now;
  } else {
    away_ = true;
    queue_.push_back(std::move(current_));  // behind the others: it may be this one's own fault
    due_ = now + backoff_.next_ms(prng_);
  }
  current_ = {};
  settle();
}

Instant LogArchive::wake_at() const {
  if (!lines_.empty()) return Instant{0};
  return pid_ == 0 && !queue_.empty() ? due_ : kNever;
}

std::vector<std::string> LogArchive::pump(Instant now) {
  start(now);
  return std::exchange(lines_, {});
}

bool LogArchive::busy() const { return pid_ != 0 || !queue_.empty(); }

std::unique_ptr<LogArchive> make_archive(const Config& config, ArchiveEnvironment environment,
                                         std::string& why) {
  why.clear();
  if (!config.features.logarchive) return nullptr;
  auto url = wire::parse_archive_url(config.archive);
  if (!url.ok()) {
    why = "logs are not archived: " + url.error().text();
    return nullptr;
  }
  if (url->kind == wire::ArchiveUrl::Kind::s3 &&
      (environment.keys.access.empty() || environment.keys.secret.empty())) {
    why =
        "logs are not archived: MIMAS_ARCHIVE_ACCESS_KEY and MIMAS_ARCHIVE_SECRET_KEY are not set; they "
        "belong into the agent's --executor_environment_variables";
    return nullptr;
  }
  return std::make_unique<LogArchive>(std::move(url).value(), std::move(environment));
}

int reap_archive(const Config& config, ArchiveEnvironment environment, std::int64_t ms) {
  Config with = config;
  with.features.logarchive = !config.archive.empty();
  const std::string directory =
      environment.state.empty() ? ArchiveState::default_directory() : environment.state;
  const std::vector<ArchiveFolder> left = ArchiveState(directory).abandoned();
  for (const ArchiveFolder& folder : left)
    say("reap: logs of " + folder.key + " in " + folder.path + " are not archived yet");
  if (config.dry_run || left.empty()) return static_cast<int>(left.size());
  std::string why;
  const auto archive = make_archive(with, std::move(environment), why);
  if (!archive) {
    say(why.empty() ? "reap: they stay as they are; --archive names where they belong" : "reap: " + why);
    return static_cast<int>(left.size());
  }
  const std::int64_t deadline = net::monotonic_ms() + ms;
  archive->adopt(Instant{net::monotonic_ms()});
  while (archive->busy() && net::monotonic_ms() < deadline) {
    const Instant now{net::monotonic_ms()};
    for (const std::string& line : archive->pump(now)) say(line);
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid > 0) {
      helper_ended(pid);
      archive->child_ended(pid, status, now);
    } else {
      ::usleep(kLookMs * 1000);
    }
  }
  return archive->busy() ? 1 : 0;
}

}  // namespace mimas::executor
