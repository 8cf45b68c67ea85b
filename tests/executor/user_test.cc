#include "executor/user.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace mimas::executor {
namespace {

constexpr const char* kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "# rubbish\n\n:::::\nhalf:x:7\n"
    "web:x:1001:1002:The web:/srv/web:/bin/sh\n"
    "twin:x:1001:1003::/srv/twin:/bin/sh\n"
    "4711:x:12:13::/odd:/bin/sh";
constexpr const char* kGroup =
    "root:x:0:\nweb:x:1002:web\nadm:x:4:syslog,web\nvideo:x:44:web,twin\nwebby:x:45:webby,xweb\nadm2:x:4:"
    "web\n";

TEST_CASE("a user is found by name, by number, or taken as said") {
  CHECK(*find_user("web", kPasswd, kGroup) == UserIds{1001, 1002, {4, 44}, "web", "/srv/web"});
  CHECK(find_user("1001", kPasswd, kGroup)->name == "web");
  CHECK(*find_user("twin", kPasswd, kGroup) == UserIds{1001, 1003, {44}, "twin", "/srv/twin"});
  CHECK(*find_user("0", kPasswd, kGroup) == UserIds{0, 0, {}, "root", "/root"});
  // With a group said, exactly that group and no others.
  CHECK(*find_user("1001:7", kPasswd, kGroup) == UserIds{1001, 7, {}, "web", "/srv/web"});
  CHECK(*find_user("99:98", kPasswd, kGroup) == UserIds{99, 98, {}, "", ""});
  CHECK(find_user("12", kPasswd, kGroup)->name == "4711");  // a number is a number
}

TEST_CASE("what is no user is refused with the way out") {
  CHECK(find_user("nobodyhere", kPasswd, kGroup).error().text() ==
        "there is no user 'nobodyhere' in /etc/passwd (uid:gid needs no entry)");
  CHECK(find_user("77", kPasswd, kGroup).error().text() ==
        "there is no user '77' in /etc/passwd (name a group, too: 77:<gid>)");
  CHECK_FALSE(find_user("half", kPasswd, kGroup).ok());
  for (const char* wrong : {"", ":", "1:", ":1", "web:1", "1:web", "1:2:3", "-1:0", "0:-1", "4294967295:0",
                            "0:4294967295", "1 :2", "0x1:2"}) {
    CAPTURE(wrong);
    CHECK(find_user(wrong, kPasswd, kGroup).error().code == Code::invalid_argument);
  }
  CHECK_FALSE(find_user("web", "", "").ok());
}

TEST_CASE("a container's user is read as Docker reads it, by its image's file") {
  CHECK(find_container_user("web", kPasswd)->uid == 1001);
  CHECK(find_container_user("web", kPasswd)->gid == 1002);
  CHECK(find_container_user("web:7", kPasswd)->gid == 7);
  CHECK(find_container_user("web:adm", kPasswd)->gid == 1002);
  CHECK(find_container_user("77", "")->uid == 77);
  CHECK(find_container_user("77", "")->gid == 0);
  CHECK(find_container_user("77:78", "")->gid == 78);
  for (const char* none : {"", ":", ":1", "root", "0", "0:7", "nobodyhere", "half", "4294967295"}) {
    CAPTURE(none);
    CHECK_FALSE(find_container_user(none, kPasswd));
  }
  CHECK(is_numeric_user("77:adm"));
  CHECK_FALSE(is_numeric_user("web"));
  CHECK_FALSE(is_numeric_user(""));
}

TEST_CASE("who we are already needs no change, and only root becomes another") {
  const std::string self = std::to_string(::geteuid()) + ":" + std::to_string(::getegid());
  const auto same = user_ids_of(self);
  REQUIRE(same.ok());
  CHECK_FALSE(same->has_value());
  const auto other = user_ids_of("54321:54321");
  if (::geteuid() == 0) {
    REQUIRE(other.ok());
    CHECK((*other)->uid == 54321);
  } else {
    CHECK(other.error().message.find("only root may change that") != std::string::npos);
  }
}

TEST_CASE("a sandbox is handed over, and nothing that only looks like a part of it") {
  if (::geteuid() != 0) return;  // nobody else can give files away
  char top[] = "/tmp/mimas-user-XXXXXX";
  REQUIRE(::mkdtemp(top) != nullptr);
  const std::string base = top, sandbox = base + "/sandbox";
  ::mkdir(sandbox.c_str(), 0755);
  ::mkdir((sandbox + "/d").c_str(), 0755);
  const auto touch = [](const std::string& path) {
    ::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  };
  for (const char* name : {"/sandbox/f", "/sandbox/d/g", "/outside", "/sandbox/foreign"}) touch(base + name);
  REQUIRE(::chown((sandbox + "/foreign").c_str(), 7, 7) == 0);
  REQUIRE(::link((base + "/outside").c_str(), (sandbox + "/second").c_str()) == 0);
  REQUIRE(::symlink((base + "/outside").c_str(), (sandbox + "/link").c_str()) == 0);
  const auto owner = [&](const std::string& name) {
    struct stat file {};
    return ::lstat((base + name).c_str(), &file) == 0 ? static_cast<long>(file.st_uid) : -1;
  };
  const Status done = give_away(sandbox, {54321, 54322, {}, "", ""});
  CHECK(done.ok());
  CHECK(owner("/sandbox") == 54321);
  CHECK(owner("/sandbox/f") == 54321);
  CHECK(owner("/sandbox/d/g") == 54321);
  CHECK(owner("/sandbox/foreign") == 7);
  CHECK(owner("/outside") == 0);
  CHECK(owner("/sandbox/link") == 0);
  CHECK_FALSE(give_away(base + "/nothing", {1, 1, {}, "", ""}).ok());
  for (const char* name :
       {"/sandbox/f", "/sandbox/d/g", "/outside", "/sandbox/foreign", "/sandbox/second", "/sandbox/link"})
    ::unlink((base + name).c_str());
  for (const char* name : {"/sandbox/d", "/sandbox", ""}) ::rmdir((base + name).c_str());
}

}  // namespace
}  // namespace mimas::executor
