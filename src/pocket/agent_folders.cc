#include "pocket/agent_folders.h"

#include <filesystem>
#include <system_error>

#include "base/sha256.h"
#include "files/own.h"

namespace mimas::pocket {
namespace {

namespace fs = std::filesystem;

constexpr const char* kShared[] = {"slaves", "volumes"};

// Where slaves/ leads, if it was put elsewhere.
std::string place_elsewhere(const std::string& agent_dir) {
  std::error_code failed;
  const fs::path target = fs::read_symlink(agent_dir + "/slaves", failed);
  return failed ? std::string() : target.parent_path().string();
}

Status make_shared(const std::string& place) {
  for (const char* folder : kShared)
    if (const Status done = files::make_own_folder(place + "/" + folder, files::passage_of_sandboxes());
        !done)
      return done;
  return Done{};
}

// Links to a place that all users may pass to.
Result<std::string> choose_elsewhere(const std::string& agent_dir, const std::string& elsewhere) {
  constexpr std::size_t kKeyDigits = 16;
  const std::string place = elsewhere + "/" + hex(sha256(agent_dir)).substr(0, kKeyDigits);
  if (const Status done = make_shared(place); !done) return done.error();
  if (const std::string closed = files::closed_folder(place); !closed.empty())
    return make_error(Code::permission_denied, "others may not pass it either", closed);
  for (const char* folder : kShared) {
    std::error_code failed;
    fs::create_directory_symlink(place + "/" + folder, agent_dir + "/" + folder, failed);
    if (failed) return make_error(Code::io, failed.message(), agent_dir + "/" + folder);
  }
  return place;
}

}  // namespace

Result<std::string> make_agent_folders(const std::string& agent_dir, const std::string& elsewhere,
                                       const std::function<void(const std::string&)>& log) {
  if (const Status done = files::make_own_folder(agent_dir, files::passage_of_sandboxes()); !done)
    return done.error();
  for (const char* folder : {"/meta", "/fetch"})
    if (const Status done = files::make_own_folder(agent_dir + folder); !done) return done.error();
  std::string place = place_elsewhere(agent_dir);
  std::error_code failed;
  const bool fresh = place.empty() && !fs::exists(agent_dir + "/slaves", failed);
  if (fresh && files::passage_of_sandboxes() == files::Passage::open) {
    if (const std::string closed = files::closed_folder(agent_dir); !closed.empty()) {
      const Result<std::string> chosen = choose_elsewhere(agent_dir, elsewhere);
      if (chosen) place = *chosen;
      log(chosen ? "other users may not pass " + closed + ": sandboxes are in " + place
                 : "other users may not pass " + closed + ", so no task can run as one of them; " +
                       elsewhere + " cannot take the sandboxes: " + chosen.error().text());
    }
  }
  if (place.empty()) place = agent_dir;
  if (const Status done = make_shared(place); !done) return done.error();
  return place;
}

Status remove_agent_folders(const std::string& agent_dir) {
  std::error_code failed;
  const std::string place = place_elsewhere(agent_dir);
  if (!place.empty()) fs::remove_all(place, failed);
  if (!failed) fs::remove_all(agent_dir, failed);
  if (failed) return make_error(Code::io, "cannot wipe: " + failed.message(), agent_dir);
  return Done{};
}

}  // namespace mimas::pocket
