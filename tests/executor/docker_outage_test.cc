// Docker away and back, and what is found out about an end.
#include "executor/docker_task.h"

#include <doctest/doctest.h>

#include <csignal>
#include <memory>

#include "docker_story.h"

namespace mimas::executor {

TEST_CASE("Docker goes away and comes back: the container goes on, and its output where it was") {
  Story s;
  s.run();
  CHECK(s.answer(Kind::wait, 0, "closed") == "look");
  CHECK(s.output_over().empty());
  for (int i = 0; i < 10; ++i) {
    CHECK(s.answer(Kind::look, 0, "connection refused").empty());
    CHECK(s.later() == "look");
  }
  CHECK(s.answer(Kind::look, 500, "starting").empty());
  CHECK(s.later() == "look");
  CHECK(s.answer(Kind::look, 200, kRunning) == "wait record");
  CHECK(s.last.target == "/containers/4f4f/logs?stdout=1&stderr=1&timestamps=1&follow=1");
  CHECK(s.answer(Kind::record, 200).empty());
  CHECK(s.output_over().empty());
  CHECK(s.answer(Kind::wait, 200) == "look");
  CHECK(s.answer(Kind::look, 200, kExited0) == "ended remove");
}

TEST_CASE("what ended while Docker was away has its end, and the rest of its output") {
  Story s;
  s.run();
  CHECK(s.answer(Kind::wait, 0, "closed") == "look");
  s.output_over();
  CHECK(s.answer(Kind::look, 200, R"({"Id":"4f4f","State":{"Status":"exited","ExitCode":143}})") == "record");
  CHECK(s.last.target.ends_with("&follow=0"));
  s.answer(Kind::record, 200);
  CHECK(s.output_over() == "ended remove");
  CHECK(s.end.number == SIGTERM);
}

TEST_CASE("a Docker that stays away is waited for, then nobody knows") {
  Story s;
  s.run();
  const Instant before = s.now;
  std::string did = s.answer(Kind::wait, 0, "closed");
  while (did == "look") {
    did = s.answer(Kind::look, 0, "connection refused");
    if (did.empty()) did = s.later();
  }
  CHECK(did == "killpid -attach -record ended remove");
  CHECK(s.now - before >= kDoubtMs);
  CHECK(s.now - before < kDoubtMs + 2 * kLookPauseMsMax);
  CHECK(s.end.unknown.find("connection refused") != std::string::npos);
  std::string removing = s.answer(Kind::remove, 0, "connection refused");
  while (!s.task->over()) {
    s.later();
    s.answer(Kind::remove, 0, "connection refused");
  }
  CHECK(s.ends == 1);
}

TEST_CASE("a container that somebody removed has ended, nobody knows how") {
  Story s;
  s.run();
  CHECK(s.answer(Kind::wait, 404, R"({"message":"No such container"})") == "look");
  CHECK(s.answer(Kind::look, 404) == "-attach -record ended remove");
  CHECK(s.end.unknown == "somebody removed its container");
}

TEST_CASE("a log driver without a record costs the output of the outage alone") {
  Story s;
  s.run();
  s.answer(Kind::wait, 0, "closed");
  s.output_over();
  CHECK(s.answer(Kind::look, 200, kRunning) == "wait record");
  CHECK(s.answer(Kind::record, 501, "driver does not support reading") == "line attach");
  CHECK(s.answer(Kind::attach, 200).empty());
}

TEST_CASE("a kill that nobody asked for is looked up in Docker's events, when there is a limit") {
  Limits limits;
  limits.memory_bytes = 64 << 20;
  Story s({}, limits);
  s.run();
  s.output_over();
  const char* killed = R"({"Id":"4f4f","State":{"Status":"exited","ExitCode":137}})";
  CHECK(s.answer(Kind::wait, 200) == "look");
  CHECK(s.answer(Kind::look, 200, killed) == "oom");
  CHECK(s.last.target.starts_with("/events?since=0&filters=%7B%22container%22"));
  SUBCASE("there") {
    CHECK(s.answer(Kind::oom, 200, R"({"status":"oom","id":"4f4f"})") == "ended remove");
    CHECK(s.end.memory_limit);
  }
  SUBCASE("not there") {
    CHECK(s.answer(Kind::oom, 200, "") == "ended remove");
    CHECK_FALSE(s.end.memory_limit);
  }
  SUBCASE("no answer") {
    CHECK(s.answer(Kind::oom, 0, "oom closed") == "ended remove");
    CHECK_FALSE(s.end.memory_limit);
  }
  SUBCASE("killed by us meanwhile") {
    CHECK(s.kill() == "signal");
    CHECK(s.answer(Kind::signal, 409) == "look");
    CHECK(s.answer(Kind::look, 200, killed) == "ended remove");
    CHECK_FALSE(s.end.memory_limit);
    CHECK(s.answer(Kind::oom, 200, R"({"status":"oom"})").empty());
  }
}

TEST_CASE("the memory limit is to blame when the first process died of it") {
  const auto end = [](int code, bool oom, bool by_us) {
    ContainerState container;
    container.exit_code = code;
    container.oom_killed = oom;
    Limits limits;
    limits.memory_bytes = 64 << 20;
    return process_end(container, limits, by_us);
  };
  CHECK(end(137, true, false).memory_limit);
  CHECK(end(137, true, false).memory_peak_bytes == 64 << 20);
  CHECK(end(0, true, false).memory_kill);
  CHECK_FALSE(end(137, false, false).memory_kill);
  CHECK_FALSE(end(0, true, false).memory_limit);  // a child died of it, and the first process went on
  CHECK_FALSE(end(1, true, false).memory_limit);
  CHECK_FALSE(end(137, false, false).memory_limit);
  CHECK_FALSE(end(137, true, true).memory_limit);
  CHECK(end(139, false, false).number == SIGSEGV);
  CHECK_FALSE(end(128, false, false).signalled);
  CHECK(end(255, false, false).number == 255);
}

}  // namespace mimas::executor
