#include "executor/user.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "files/tree.h"

namespace mimas::executor {
namespace {

constexpr std::size_t kFileMax = 4 << 20;
constexpr std::size_t kGroupsMax = 1024;

std::string_view take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

bool parse_id(std::string_view text, std::uint32_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size() && into != UINT32_MAX;  // -1: "no change"
}

// "name:x:uid:gid:comment:home:shell" of the name or, if that is empty, of the number.
bool find_entry(std::string_view passwd, std::string_view name, std::uint32_t uid, UserIds& into) {
  while (!passwd.empty()) {
    std::string_view line = take(passwd, '\n');
    const std::string_view its_name = take(line, ':');
    take(line, ':');
    std::uint32_t its_uid = 0, its_gid = 0;
    if (!parse_id(take(line, ':'), its_uid) || !parse_id(take(line, ':'), its_gid)) continue;
    if (its_name.empty() || (name.empty() ? its_uid != uid : its_name != name)) continue;
    take(line, ':');
    into.uid = its_uid;
    into.gid = its_gid;
    into.name = its_name;
    into.home = take(line, ':');
    return true;
  }
  return false;
}

// "name:x:gid:member,member"
std::vector<std::uint32_t> groups_of(std::string_view group, const UserIds& ids) {
  std::vector<std::uint32_t> gids;
  while (!group.empty() && gids.size() < kGroupsMax) {
    std::string_view line = take(group, '\n');
    take(line, ':');
    take(line, ':');
    std::uint32_t gid = 0;
    if (!parse_id(take(line, ':'), gid) || gid == ids.gid) continue;
    while (!line.empty()) {
      if (take(line, ',') != ids.name) continue;
      gids.push_back(gid);
      break;
    }
  }
  std::sort(gids.begin(), gids.end());
  gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
  return gids;
}

std::string read_whole(const char* path) {
  std::string text;
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  ssize_t got;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0 && text.size() < kFileMax)
    text.append(buffer, static_cast<std::size_t>(got));
  ::close(fd);
  return text;
}

}  // namespace

Result<UserIds> find_user(std::string_view user, std::string_view passwd, std::string_view group) {
  UserIds ids;
  std::string_view rest = user;
  const std::string_view first = take(rest, ':');
  const bool with_group = first.size() < user.size();
  const bool number = parse_id(first, ids.uid);
  std::uint32_t gid = 0;
  if (user.empty() || first.empty() || (with_group && (!number || !parse_id(rest, gid))))
    return make_error(Code::invalid_argument, "'" + std::string(user.substr(0, 100)) + "' is no user", {},
                      "a name, a uid, or uid:gid in numbers");
  const bool found = find_entry(passwd, number ? std::string_view() : first, ids.uid, ids);
  if (!found && !with_group) {
    return make_error(
        Code::not_found, "there is no user '" + std::string(first.substr(0, 100)) + "' in /etc/passwd", {},
        number ? "name a group, too: " + std::string(first) + ":<gid>" : "uid:gid needs no entry");
  }
  if (with_group) {
    ids.gid = gid;
  } else {
    ids.groups = groups_of(group, ids);
  }
  return ids;
}

bool is_numeric_user(std::string_view user) {
  std::uint32_t uid = 0;
  return parse_id(take(user, ':'), uid);
}

std::optional<UserIds> find_container_user(std::string_view user, std::string_view passwd) {
  UserIds ids;
  std::string_view group = user;
  const std::string_view first = take(group, ':');
  std::uint32_t uid = 0;
  const bool number = parse_id(first, uid);
  const bool found = find_entry(passwd, number ? std::string_view() : first, uid, ids);
  if (first.empty() || (!number && !found)) return std::nullopt;
  if (number) ids.uid = uid;
  if (std::uint32_t gid = 0; parse_id(group, gid)) ids.gid = gid;
  if (ids.uid == 0) return std::nullopt;
  return ids;
}

Result<std::optional<UserIds>> user_ids_of(std::string_view user) {
  auto ids = find_user(user, read_whole("/etc/passwd"), read_whole("/etc/group"));
  if (!ids.ok()) return ids.error();
  if (::geteuid() == 0) {
    // As root already, and nothing asked that would change it.
    if (ids->uid == 0 && ids->gid == ::getegid()) return std::optional<UserIds>();
    return std::optional<UserIds>(std::move(ids).value());
  }
  if (ids->uid == ::geteuid() && ids->gid == ::getegid()) return std::optional<UserIds>();
  return make_error(Code::permission_denied,
                    "cannot become user '" + std::string(user.substr(0, 100)) +
                        "': this executor runs as uid " + std::to_string(::geteuid()) +
                        ", and only root may change that",
                    {}, "start the framework's executors as root, or the task as their user");
}

Status give_away(const std::string& directory, const UserIds& to) {
  const auto folder = files::Folder::at(directory);
  if (!folder.ok()) return folder.error();
  return files::hand_over(*folder, to.uid, to.gid);
}

}  // namespace mimas::executor
