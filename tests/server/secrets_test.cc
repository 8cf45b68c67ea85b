#include "server/secrets.h"

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace mimas;
using namespace mimas::server;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/mimas-secrets.XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::filesystem::create_directories(std::filesystem::path(path + "/" + name).parent_path());
    std::ofstream(path + "/" + name, std::ios::binary) << text;
    ::chmod((path + "/" + name).c_str(), mode);
  }
};

std::string fault(const Secrets& secrets, const std::string& name) {
  const auto value = secrets.read(name);
  REQUIRE_FALSE(value.ok());
  CHECK(value.error().text().find("value") == std::string::npos);
  return value.error().text();
}

}  // namespace

TEST_CASE("a secret is its file's text, read anew each time") {
  const Folder folder;
  folder.write("token", "one\n");
  folder.write("shop/token", "two\nlines\n\n");
  const auto secrets = Secrets::open(folder.path);
  REQUIRE(secrets.ok());
  CHECK(*secrets->read("token") == "one");
  CHECK(*secrets->read("shop/token") == "two\nlines\n");
  folder.write("token", "other");
  CHECK(*secrets->read("token") == "other");
}

TEST_CASE("what is no secret is told by name and with the remedy, never with its value") {
  const Folder folder;
  folder.write("wide", "value", 0644);
  folder.write("large", "value" + std::string(32 << 10, 'x'));
  folder.write("zero", std::string("value\0", 6));
  const auto secrets = Secrets::open(folder.path);
  REQUIRE(secrets.ok());
  CHECK(fault(*secrets, "missing").find("--secrets directory") != std::string::npos);
  CHECK(fault(*secrets, "wide").find("chmod 600") != std::string::npos);
  CHECK(fault(*secrets, "large").find("large") != std::string::npos);
  CHECK(fault(*secrets, "zero").find("byte 0") != std::string::npos);
  CHECK(fault(*secrets, "../etc/passwd").find("has a name that no secret has") != std::string::npos);
  CHECK(fault(Secrets(), "token").find("--secrets DIR") != std::string::npos);
}

TEST_CASE("a directory that others may look into is refused, and what is none") {
  const Folder folder;
  folder.write("file", "x");
  CHECK_FALSE(Secrets::open(folder.path + "/file").ok());
  CHECK_FALSE(Secrets::open(folder.path + "/not-there").ok());
  ::chmod(folder.path.c_str(), 0755);
  const auto open = Secrets::open(folder.path);
  REQUIRE_FALSE(open.ok());
  CHECK(open.error().hint == "chmod 700 " + folder.path);
}
