#include "executor/helper_program.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include "executor/children.h"
#include "net/clock.h"

namespace {

using namespace mimas;
using namespace mimas::executor;

const std::vector<std::string> kEnvironment{"PATH=/usr/bin:/bin", "GREETING=hello"};

Instant now() { return Instant{net::monotonic_ms()}; }

// A script in a folder of its own, gone at the end.
class Script {
 public:
  explicit Script(const std::string& body) {
    char folder[] = "/tmp/mimas-helper-XXXXXX";
    REQUIRE(::mkdtemp(folder) != nullptr);
    folder_ = folder;
    std::ofstream(path()) << "#!/bin/sh\n" << body << "\n";
    ::chmod(path().c_str(), 0755);
  }
  ~Script() {
    ::unlink(path().c_str());
    ::rmdir(folder_.c_str());
  }
  std::string path() const { return folder_ + "/helper"; }

 private:
  std::string folder_;
};

// As the loop does: poll, pump, reap.
Result<std::string> run(const std::string& path, std::string input, std::int64_t timeout_ms = 30'000) {
  ::signal(SIGPIPE, SIG_IGN);
  HelperProgram program;
  const Status begun = program.start(path, kEnvironment, std::move(input), timeout_ms, now());
  REQUIRE(begun.ok());
  const std::int64_t pid = program.pid();
  while (!program.done()) {
    std::vector<pollfd> polled;
    program.add_to(polled);
    (void)::poll(polled.data(), polled.size(), 10);
    program.pump(now());
    int status = 0;
    if (::waitpid(static_cast<pid_t>(pid), &status, WNOHANG) == pid) {
      helper_ended(pid);
      program.child_ended(pid, status);
    }
  }
  return program.outcome();
}

TEST_CASE("input in, output out, and the environment it was given") {
  const Script script("read line; echo \"$GREETING $line\"; cat >/dev/null");
  const auto outcome = run(script.path(), "world\n" + std::string(300'000, 'x'));
  REQUIRE(outcome.ok());
  CHECK(*outcome == "hello world\n");
}

TEST_CASE("a helper that does not read its input is heard all the same") {
  const Script script("exec <&-; echo heard");
  const auto outcome = run(script.path(), std::string(300'000, 'x'));
  REQUIRE(outcome.ok());
  CHECK(*outcome == "heard\n");
}

TEST_CASE("a failure says what the helper said") {
  const Script script("echo no keys today; exit 3");
  const auto outcome = run(script.path(), "");
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().message == script.path() + " ended with status 3: no keys today");
}

TEST_CASE("what is not there, hangs or talks too much is an error, never a wait") {
  CHECK(run("/nonexistent/helper", "").error().message.find("cannot be run") != std::string::npos);
  const Script hangs("sleep 1000 & sleep 1000");
  CHECK(run(hangs.path(), "", 200).error().message.find("took too long") != std::string::npos);
  const Script talks("yes");
  CHECK(run(talks.path(), "").error().message.find("said more than 64 KiB") != std::string::npos);
  const Script dies("kill -9 $$");
  CHECK(run(dies.path(), "").error().message.find("killed by signal 9") != std::string::npos);
}

TEST_CASE("a grandchild that keeps the pipe open holds nobody up") {
  const Script script("sleep 1000 & echo done");
  const auto outcome = run(script.path(), "");
  REQUIRE(outcome.ok());
  CHECK(*outcome == "done\n");
}

}  // namespace
