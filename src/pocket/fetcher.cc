#include "pocket/fetcher.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "files/own.h"
#include "pocket/fetch_source.h"
#include "pocket/sandbox.h"
#include "pocket/unpack.h"

namespace mimas::pocket {
namespace {

constexpr std::uint32_t kFileMode = 0644;
constexpr std::uint32_t kProgramMode = 0755;

std::string cache_name(const std::string& uri) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;  // FNV-1a
  for (const char c : uri) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
  char text[40];
  std::snprintf(text, sizeof text, "%016llx-%zu", static_cast<unsigned long long>(hash), uri.size());
  return text;
}

// Under another name until it is whole; then it replaces whatever has its name.
Status bring_to(const std::string& uri, const files::Folder& folder, const std::string& name,
                std::uint32_t mode, const std::atomic<bool>& cancelled) {
  const std::string partial = name + ".partial";
  if (const Status gone = folder.remove(partial); !gone) return gone;
  const Result<files::File> file = folder.create(partial, files::Use::write, kFileMode);
  if (!file) return file.error();
  Status done = bring(uri, *file, cancelled);
  if (done && ::fchmod(file->descriptor(), mode) != 0)
    done = make_error(Code::io, std::string("chmod: ") + std::strerror(errno), name);
  if (done) done = folder.rename(partial, name, file->identity());
  if (!done) (void)folder.remove(partial);
  return done;
}

}  // namespace

Result<std::string> fetched_name(const mv1::CommandInfo::URI& uri) {
  std::string name = uri.output_file();
  if (!uri.has_output_file()) name = uri.value().substr(uri.value().rfind('/') + 1);
  if (!files::is_plain(name))
    return make_error(Code::invalid_argument, "'" + name + "' is not a file name inside the sandbox");
  return name;
}

// The path of a copy of our own, which is whole.
Result<std::string> Fetcher::cached(const std::string& uri) {
  const std::lock_guard lock(cache_mutex_);
  if (const Status made = files::make_own_folder(cache_dir_); !made) return made.error();
  const Result<files::Folder> cache = files::Folder::at(cache_dir_);
  if (!cache) return cache.error();
  const std::string name = cache_name(uri);
  if (!cache->look(name))
    if (const Status done = bring_to(uri, *cache, name, kFileMode, cancelled_); !done) return done.error();
  return cache_dir_ + "/" + name;
}

Status Fetcher::fetch_one(const mv1::CommandInfo::URI& uri, const files::Folder& sandbox) {
  const Result<std::string> name = fetched_name(uri);
  if (!name) return name.error();
  if (const Status made = make_folders_above(sandbox, *name); !made) return made;
  std::string source = uri.value();
  if (uri.cache() && is_http(source)) {
    const Result<std::string> copy = cached(source);
    if (!copy) return copy.error();
    source = *copy;
  }
  const std::uint32_t mode = uri.executable() ? kProgramMode : kFileMode;
  if (const Status done = bring_to(source, sandbox, *name, mode, cancelled_); !done) return done;
  if (!uri.executable() && uri.extract() && is_archive(*name)) return unpack(sandbox, *name);
  return Done{};
}

Status Fetcher::fetch(const mv1::CommandInfo& command, const std::string& sandbox) {
  if (command.uris().empty()) return Done{};
  const Result<files::Folder> folder = files::Folder::at(sandbox);
  if (!folder) return folder.error();
  for (const mv1::CommandInfo::URI& uri : command.uris()) {
    const Status done = fetch_one(uri, *folder);
    if (!done)
      return make_error(done.error().code,
                        "Failed to fetch URI '" + uri.value() + "': " + done.error().text());
  }
  return Done{};
}

}  // namespace mimas::pocket
