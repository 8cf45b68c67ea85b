#include "pocket/unpack.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>

#include "files/tree.h"
#include "pocket/process.h"

namespace mimas::pocket {
namespace {

constexpr const char* kStaging = ".unpacking";
constexpr std::uint32_t kUnpackedMode = 0755;
constexpr std::uint32_t kPlainBits = 0777;
constexpr std::uint32_t kSpecialBits = 07000;

Status run_tar(const files::Folder& sandbox, const std::string& name, const files::Folder& staging) {
  Program tar;
  // Owners and special bits are the archive's wishes, not ours. Nobody else is in the sandbox yet.
  tar.argv = {"tar", "-x", "-f", sandbox.path() + "/" + name, "--no-same-owner", "--no-same-permissions"};
  tar.environment = {"PATH=/usr/local/bin:/usr/bin:/bin"};
  tar.directory = staging.path();
  tar.new_session = false;
  const Result<pid_t> pid = spawn(tar);
  if (!pid) return pid.error();
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) return make_error(Code::invalid_argument, "tar could not unpack it", name);
  return Done{};
}

// A file's right to make whoever runs it somebody else.
Status take_special_bits(const files::Folder& folder, const files::Entry& entry) {
  if ((entry.facts.mode & kSpecialBits) == 0) return Done{};
  const auto file = folder.open(entry.name, files::Use::read,
                                {files::Links::refuse, files::SecondNames::refuse, entry.facts.identity});
  if (!file) return file.error();
  if (::fchmod(file->descriptor(), entry.facts.mode & kPlainBits) != 0)
    return make_error(Code::io, "cannot take away its set-user-id bit", entry.name);
  return Done{};
}

// From `below` the staging folder, or all of it, to the same place in the sandbox.
Status settle_unpacked(const files::Folder& sandbox, const std::string& below, int depth) {
  const std::string from_folder = std::string(kStaging) + (below.empty() ? "" : "/" + below);
  if (depth > files::kDepthMax)
    return make_error(Code::invalid_argument, "the archive's folders are too deep", below);
  const Result<files::Folder> folder = sandbox.enter(from_folder);
  if (!folder) return folder.error();
  const auto entries = folder->list();
  if (!entries) return entries.error();
  for (const files::Entry& entry : *entries) {
    const std::string to = (below.empty() ? "" : below + "/") + entry.name;
    const files::Kind kind = entry.facts.kind;
    if (kind == files::Kind::folder) {
      const Result<files::Facts> there = sandbox.look(to);
      if (there && there->kind != files::Kind::folder)
        if (const Status gone = sandbox.remove(to); !gone) return gone;
      if (!there || there->kind != files::Kind::folder)
        if (const auto made = sandbox.make_folder(to, kUnpackedMode); !made) return made.error();
      if (const Status done = settle_unpacked(sandbox, to, depth + 1); !done) return done;
      continue;
    }
    if (kind == files::Kind::regular) {
      if (const Status done = take_special_bits(*folder, entry); !done) return done;
    } else if (kind != files::Kind::link) {
      return make_error(Code::invalid_argument,
                        "the archive holds '" + to + "', which is " + std::string(files::kind_name(kind)));
    }
    if (const Status moved = sandbox.rename(from_folder + "/" + entry.name, to); !moved) return moved;
  }
  return Done{};
}

}  // namespace

bool is_archive(const std::string& name) {
  for (const char* ending : {".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"})
    if (name.ends_with(ending)) return true;
  return false;
}

Status unpack(const files::Folder& sandbox, const std::string& name) {
  files::remove_tree(sandbox, kStaging);
  const Result<files::Folder> staging = sandbox.make_folder(kStaging, 0700);
  if (!staging) return staging.error();
  Status done = run_tar(sandbox, name, *staging);
  if (done) done = settle_unpacked(sandbox, "", 0);
  files::remove_tree(sandbox, kStaging);
  return done;
}

}  // namespace mimas::pocket
