// Who a task is to be. The files are read by our own small parser: the C library's would load plugins (NSS),
// which a static program has none of. So users that only LDAP or systemd knows are not found by name;
// "uid:gid" always works. Limits: files of 4 MiB, 1024 groups. Tested in tests/executor/user_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mimas::executor {

struct UserIds {
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;  // beside gid, ascending
  std::string name, home;             // empty: the user has no entry
  bool operator==(const UserIds&) const = default;
};

// "name", "uid" or "uid:gid" by the texts of /etc/passwd and /etc/group. Pure. A number without an entry
// needs its group said.
Result<UserIds> find_user(std::string_view user, std::string_view passwd, std::string_view group);

// The same by this machine's files; nothing when it is who we are already. Not root and somebody else: an
// error that says so.
Result<std::optional<UserIds>> user_ids_of(std::string_view user);

// Who a container's processes are, as Docker reads it: "name" or "uid", perhaps with ":group", by the text of
// the image's own /etc/passwd. A uid without an entry has group 0; a group by name is not looked for, and is
// its entry's or 0. Nothing: there is no such user, or it is root. Pure.
std::optional<UserIds> find_container_user(std::string_view user, std::string_view passwd);
bool is_numeric_user(std::string_view user);  // "uid" or "uid:…": needs no file

// Hands over a directory and what is in it (files/tree.h says what of it, and how much at most).
Status give_away(const std::string& directory, const UserIds& to);

}  // namespace mimas::executor
