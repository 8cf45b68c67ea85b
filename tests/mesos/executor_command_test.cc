// How an agent starts the executor: fetched and checked, or installed. The shell line is run by the real
// /bin/sh.
#include "mesos/executor_command.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/sha256.h"

using namespace mimas;
using namespace mimas::mesos;

namespace {

LaunchOptions options() {
  LaunchOptions out;
  out.framework = FrameworkId("fw");
  out.executor_base_url = "http://10.0.0.9:8080";
  out.executor_version = "1.0+x";
  out.default_arch = "x86_64";
  return out;
}

pb::CommandInfo command(const Attributes& attributes, const LaunchOptions& wanted, bool shared = false) {
  const auto made = executor_command(attributes, wanted, shared);
  REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().text()));
  return *made;
}

struct Ran {
  int status = -1;
  std::string out, err;
};

// A sandbox whose mimas-executor is a script that tells its pid and arguments.
class Sandbox {
 public:
  Sandbox() {
    std::string name = (std::filesystem::temp_directory_path() / "mimas-command-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    write("mimas-executor", "#!/bin/sh\necho $$ \"$@\"\n");
  }
  ~Sandbox() { std::filesystem::remove_all(path_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(path_ / name) << text;
    ::chmod((path_ / name).c_str(), 0755);
  }
  std::string read(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(path_ / name).rdbuf();
    return text.str();
  }
  std::string folder(const std::string& name) {
    std::filesystem::create_directory(path_ / name);
    return path_ / name;
  }
  void remove(const std::string& name) { std::filesystem::remove(path_ / name); }
  std::string sum() { return hex(sha256(read("mimas-executor"))); }
  // As an agent does; with `path` as the search path when it is not empty.
  Ran run(const pb::CommandInfo& what, const std::string& path = "") {
    std::fflush(nullptr);  // or the child writes what we have not
    const pid_t child = ::fork();
    if (child == 0) {
      if (::chdir(path_.c_str()) != 0 || !std::freopen("out", "w", stdout) ||
          !std::freopen("err", "w", stderr))
        ::_exit(99);
      if (!path.empty()) ::setenv("PATH", path.c_str(), 1);
      ::execl("/bin/sh", "sh", "-c", what.value().c_str(), nullptr);
      ::_exit(98);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    pid = child;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read("out"), read("err")};
  }
  pid_t pid = 0;

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("the build is chosen by the agent's attribute, without one by the default") {
  CHECK(executor_arch({{"arch", "arm"}}, "x86_64") == "armhf");
  CHECK(executor_arch({{"arch", "sparc"}}, "x86_64").empty());
  CHECK(executor_arch({}, "armel") == "armel");
}

TEST_CASE("it is fetched by its version and kept, and told its arguments") {
  LaunchOptions wanted = options();
  wanted.executor_arguments = {"--features", "metrics=on"};
  const pb::CommandInfo made = command({{"arch", "aarch64"}}, wanted, true);
  CHECK(!made.shell());
  CHECK(made.value() == "./mimas-executor");
  REQUIRE(made.arguments_size() == 4);
  CHECK(made.arguments(0) == "mimas-executor");
  CHECK(made.arguments(1) == "--features");
  CHECK(made.arguments(2) == "metrics=on");
  CHECK(made.arguments(3) == "--shared");
  REQUIRE(made.uris_size() == 1);
  CHECK(made.uris(0).value() == "http://10.0.0.9:8080/executor/arm64?version=1.0%2Bx");
  CHECK(made.uris(0).executable());
  CHECK(!made.uris(0).extract());
  CHECK(made.uris(0).cache());
  CHECK(made.uris(0).output_file() == "mimas-executor");
}

TEST_CASE("the file that the server serves is started, in the process that the agent watches") {
  Sandbox sandbox;
  LaunchOptions wanted = options();
  wanted.executor_sha256 = {{"x86_64", sandbox.sum()}, {"arm64", std::string(64, '0')}};
  wanted.executor_arguments = {"--archive", "s3://logs/a b?style='path'&region=x", ""};
  const pb::CommandInfo made = command({}, wanted);
  CHECK(made.shell());
  CHECK(made.arguments_size() == 0);
  const Ran ran = sandbox.run(made);
  CHECK(ran.status == 0);
  CHECK(ran.out == std::to_string(sandbox.pid) + " --archive s3://logs/a b?style='path'&region=x \n");
  CHECK(ran.err.empty());
}

TEST_CASE("another file is refused by name, with a status of its own") {
  Sandbox sandbox;
  LaunchOptions wanted = options();
  wanted.executor_sha256 = {{"x86_64", sandbox.sum()}};
  sandbox.write("mimas-executor", "#!/bin/sh\necho evil\n");
  const Ran ran = sandbox.run(command({}, wanted));
  CHECK(ran.status == kWrongFileStatus);
  CHECK(ran.out.empty());
  CHECK(ran.err.find(sandbox.sum()) != std::string::npos);
  CHECK(ran.err.find(wanted.executor_sha256["x86_64"]) != std::string::npos);
  CHECK(ran.err.starts_with("mimas-executor: "));
}

TEST_CASE("where nothing can tell a sum it is not started, and says what is missing") {
  Sandbox sandbox;
  LaunchOptions wanted = options();
  wanted.executor_sha256 = {{"x86_64", sandbox.sum()}};
  const Ran ran = sandbox.run(command({}, wanted), "/nowhere");
  CHECK(ran.status == kUncheckedStatus);
  CHECK(ran.out.empty());
  CHECK(ran.err.starts_with("mimas-executor: "));
  CHECK(ran.err.find("sha256sum (coreutils or busybox), openssl or shasum") != std::string::npos);
}

// Each of them alone in the search path, as on an agent that has no other.
TEST_CASE("any program that tells a sum will do, one that fails or says nothing is passed over") {
  for (const std::string only : {"sha256sum", "busybox", "openssl", "shasum"}) {
    CAPTURE(only);
    std::string place;
    for (const char* folder : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
      if (place.empty() && std::filesystem::exists(folder + only)) place = folder + only;
    }
    if (place.empty()) continue;  // this machine has none
    Sandbox sandbox;
    LaunchOptions wanted = options();
    wanted.executor_sha256 = {{"x86_64", sandbox.sum()}};
    const std::string bin = sandbox.folder("bin");
    if (only != "sha256sum") sandbox.write("bin/sha256sum", "#!/bin/sh\nexit 127\n");
    if (only == "openssl") sandbox.write("bin/busybox", "#!/bin/sh\n");
    sandbox.write("bin/" + only, "#!/bin/sh\nexec " + place + " \"$@\"\n");
    const Ran good = sandbox.run(command({}, wanted), bin);
    CHECK(good.err.empty());
    CHECK(good.status == 0);
    sandbox.write("mimas-executor", "#!/bin/sh\necho evil\n");
    const Ran evil = sandbox.run(command({}, wanted), bin);
    CHECK(evil.status == kWrongFileStatus);
    CHECK(evil.out.empty());
    CHECK(evil.err.find(sandbox.sum()) != std::string::npos);
  }
}

TEST_CASE("a file that is not there is not started either") {
  Sandbox sandbox;
  LaunchOptions wanted = options();
  wanted.executor_sha256 = {{"x86_64", sandbox.sum()}};
  sandbox.remove("mimas-executor");
  CHECK(sandbox.run(command({}, wanted)).status == kUncheckedStatus);
}

TEST_CASE("an installed executor is neither fetched nor checked, on whatever machine") {
  LaunchOptions wanted = options();
  wanted.executor_sha256 = {{"x86_64", std::string(64, '0')}};
  wanted.executor_arguments = {"--features", "metrics=off"};
  const pb::CommandInfo made =
      command({{"arch", "riscv"}, {"mimas_executor", "/usr/lib/mimas/mimas-executor"}}, wanted);
  CHECK(!made.shell());
  CHECK(made.value() == "/usr/lib/mimas/mimas-executor");
  REQUIRE(made.arguments_size() == 3);
  CHECK(made.arguments(0) == "mimas-executor");
  CHECK(made.arguments(2) == "metrics=off");
  CHECK(made.uris_size() == 0);
}

TEST_CASE("what cannot be started is refused by name") {
  const auto relative = executor_command({{"mimas_executor", "mimas-executor"}}, options());
  REQUIRE(!relative.ok());
  CHECK(relative.error().message.find("mimas_executor:mimas-executor") != std::string::npos);
  const auto odd = executor_command({{"arch", "sparc"}}, options());
  REQUIRE(!odd.ok());
  CHECK(odd.error().message.find("arch:sparc") != std::string::npos);
  LaunchOptions wanted = options();
  wanted.executor_sha256 = {{"x86_64", std::string(64, '0')}};
  const auto missing = executor_command({{"arch", "arm64"}}, wanted);  // we serve no such file: who would?
  REQUIRE(!missing.ok());
  CHECK(missing.error().message.find("no executor for arm64") != std::string::npos);
}
