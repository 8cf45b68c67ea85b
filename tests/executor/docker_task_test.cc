#include "executor/docker_task.h"

#include <doctest/doctest.h>

#include <csignal>
#include <memory>

#include "docker_story.h"

namespace mimas::executor {

TEST_CASE("a container is created, attached to, started, looked at, waited for, looked at and removed") {
  Story s;
  CHECK(s.begin() == "create");
  CHECK(s.last.target.starts_with("/containers/create?name=mimas-t-"));
  CHECK(s.answer(Kind::create, 201, R"({"Id":"4f4f"})") == "attach");
  CHECK(s.last.target == "/containers/4f4f/attach?stream=1&stdout=1&stderr=1");
  CHECK(s.answer(Kind::attach, 200) == "start");
  CHECK(s.answer(Kind::start, 204) == "look");
  CHECK(s.answer(Kind::look, 200, kRunning) == "started wait");
  CHECK(s.task->facts().pid == 77);
  CHECK(s.output_over().empty());
  CHECK(s.answer(Kind::wait, 200, R"({"StatusCode":0})") == "look");
  CHECK(s.answer(Kind::look, 200, kExited0) == "ended remove");
  CHECK(s.end.number == 0);
  CHECK(s.last.target == "/containers/4f4f?force=1&v=1");
  CHECK_FALSE(s.task->over());
  CHECK(s.answer(Kind::remove, 204).empty());
  CHECK(s.task->over());
  CHECK(s.ends == 1);
}

TEST_CASE("the end waits for the last output, but not for ever") {
  Story s;
  s.run();
  CHECK(s.answer(Kind::wait, 200) == "look");
  CHECK(s.answer(Kind::look, 200, kExited0).empty());
  s.task->output_moved(s.now + 9'000);
  SUBCASE("that comes") { CHECK(s.output_over() == "ended remove"); }
  SUBCASE("that does not") {
    const Instant before = s.now;
    CHECK(s.later() == "-attach -record ended remove");
    CHECK(s.now - before == 9'000 + kDrainMs);
  }
}

TEST_CASE("one that ends before it was looked at has run all the same") {
  Story s;
  s.begin();
  s.answer(Kind::create, 201, R"({"Id":"4f4f"})");
  s.answer(Kind::attach, 200);
  s.answer(Kind::start, 204);
  CHECK(s.output_over().empty());
  CHECK(s.answer(Kind::look, 200, R"({"Id":"4f4f","State":{"Status":"exited","ExitCode":3}})") ==
        "started ended remove");
  CHECK(s.end.number == 3);
}

TEST_CASE("an image that is not here is pulled once, and its absence is final") {
  Story s;
  CHECK(s.begin() == "create");
  CHECK(s.answer(Kind::create, 404, R"({"message":"No such image: app:1"})") == "progress pull");
  CHECK(s.last.target == "/images/create?fromImage=app&tag=1");
  SUBCASE("there") {
    CHECK(s.answer(Kind::pull, 200) == "create");
    CHECK(s.answer(Kind::create, 404, R"({"message":"No such image: app:1"})") == "failed!");
    CHECK(s.task->over());
  }
  SUBCASE("not there") {
    CHECK(s.answer(Kind::pull, 404, R"({"message":"manifest for app:1 not found"})") == "failed!");
    CHECK(s.message == "cannot pull the image 'app:1': manifest for app:1 not found");
    CHECK(s.task->over());
  }
  SUBCASE("the registry is away, then back") {
    CHECK(s.answer(Kind::pull, 500, "connection refused") == "progress");
    CHECK(s.later() == "pull");
    CHECK(s.answer(Kind::pull, 200) == "create");
  }
  SUBCASE("the registry stays away") {
    const Instant before = s.now;
    for (int i = 1; i < kPullTries; ++i) {
      CHECK(s.answer(Kind::pull, 500, "connection refused") == "progress");
      CHECK(s.later() == "pull");
    }
    CHECK(s.answer(Kind::pull, 500, "connection refused") == "failed?");
    CHECK(s.now - before == 15'000);
    CHECK(s.task->over());
  }
}

TEST_CASE("what a job says about pulling is done") {
  Container container;
  container.pull = Container::Pull::always;
  Story always(container);
  CHECK(always.begin() == "progress pull");
  container.pull = Container::Pull::never;
  Story never(container);
  never.begin();
  CHECK(never.answer(Kind::create, 404, R"({"message":"No such image: app:1"})") == "failed!");
  CHECK(never.task->over());
}

TEST_CASE("a pull tells at most one thing a second") {
  Container container;
  container.pull = Container::Pull::always;
  Story s(container);
  s.begin();
  s.task->pulled("1 of 2 layers", s.now + 999, s.acts);
  CHECK(s.told().empty());
  s.task->pulled("1 of 2 layers", s.now + 1'000, s.acts);
  CHECK(s.told() == "progress");
  CHECK(s.message == "pulling app:1: 1 of 2 layers");
}

TEST_CASE("a killed container is killed again until it is dead, past Docker if need be") {
  Story s;
  s.run();
  CHECK(s.kill() == "signal");
  CHECK(s.last.target == "/containers/4f4f/kill?signal=9");
  CHECK(s.kill().empty());
  CHECK(s.later() == "killpid signal look");
  CHECK(s.answer(Kind::look, 200, kRunning).empty());
  CHECK(s.answer(Kind::wait, 200) == "look");
  CHECK(s.answer(Kind::look, 200, R"({"Id":"4f4f","State":{"Status":"exited","ExitCode":137}})").empty());
  CHECK(s.output_over() == "ended remove");
  CHECK(s.end.signalled);
  CHECK(s.end.number == SIGKILL);
}

TEST_CASE("a killed one whose process is gone is given up when Docker never hears of its end") {
  for (const bool answers : {true, false}) {
    Story s;
    s.run();
    CHECK(s.kill() == "signal");
    CHECK(s.later() == "killpid signal look");
    s.task->process_gone(s.now);
    const Instant gone = s.now;
    while (s.ends == 0 && s.now - gone < 2 * kGoneMs) {
      if (answers) CHECK(s.answer(Kind::look, 200, kRunning) == "");
      s.later();
    }
    CHECK(s.ends == 1);
    CHECK(s.now - gone >= kGoneMs);
    CHECK(s.now - gone <= kGoneMs + kKillAgainMs);
    CHECK(s.end.unknown.find("is gone") != std::string::npos);
    CHECK(s.answer(Kind::remove, 204) == "");
    CHECK(s.task->over());
  }
}

TEST_CASE("a process that is gone has the end that Docker tells in time") {
  Story s;
  s.run();
  CHECK(s.kill() == "signal");
  CHECK(s.later() == "killpid signal look");
  s.task->process_gone(s.now);
  CHECK(s.later() == "killpid signal");
  CHECK(s.answer(Kind::look, 200, R"({"Id":"4f4f","State":{"Status":"exited","ExitCode":137}})") == "");
  CHECK(s.output_over() == "ended remove");
  CHECK(s.end.unknown == "");
  CHECK(s.end.number == SIGKILL);
}

TEST_CASE("a signal is passed on and means nothing by itself") {
  Story s;
  s.run();
  s.task->signal(SIGHUP, s.now, s.acts);
  CHECK(s.told() == "signal");
  CHECK(s.answer(Kind::signal, 204).empty());
  CHECK(s.task->running());
}

TEST_CASE("without a signal of its own a container is asked to end as its image says, else by SIGTERM") {
  for (const auto& [config, asked] : {std::pair{R"("Config":{"StopSignal":"SIGQUIT"},)", "SIGQUIT"},
                                      {R"("Config":{"StopSignal":"SIGRTMIN+3"},)", "SIGRTMIN%2B3"},
                                      {R"("Config":{"StopSignal":""},)", "15"},
                                      {"", "15"}}) {
    Story s;
    s.run("{" + std::string(config) + (kRunning + 1));
    s.task->signal(0, s.now, s.acts);
    CHECK(s.told() == "signal");
    CHECK(s.last.target == std::string("/containers/4f4f/kill?signal=") + asked);
  }
}

// A tar archive of one file, perhaps with a head of its own before it.
std::string tar_of(const std::string& text, char type = '0', const std::string& before = {}) {
  char size[12];
  std::snprintf(size, sizeof size, "%011o", static_cast<unsigned>(text.size()));
  std::string head(512, '\0');
  head.replace(0, 6, "passwd").replace(124, 11, size);
  head[156] = type;
  return before + head + text + std::string((512 - text.size() % 512) % 512, '\0');
}

TEST_CASE("the sandbox is handed to whom the container's processes will be, before they are") {
  const std::string passwd = tar_of("root:x:0:0::/:\napp:x:1001:7::/:\n");
  const std::string image_user = R"({"Id":"4f4f","Config":{"User":"app"},"State":{"Status":"created"}})";
  {
    Story s = Story::of_user("1000:1000");
    CHECK(s.begin() == "create");
    CHECK(s.answer(Kind::create, 201, R"({"Id":"4f4f"})") == "users");
    CHECK(s.last.target == "/info");
    CHECK(s.answer(Kind::users, 200, R"({"SecurityOptions":["name=seccomp"]})") == "to1000 attach");
    CHECK(s.answer(Kind::attach, 200) == "start");
  }
  {
    Story s = Story::of_user("");
    CHECK(s.begin() == "create");
    CHECK(s.answer(Kind::create, 201, R"({"Id":"4f4f"})") == "who");
    CHECK(s.answer(Kind::who, 200, image_user) == "passwd");
    CHECK(s.last.target == "/containers/4f4f/archive?path=%2Fetc%2Fpasswd");
    CHECK(s.answer(Kind::passwd, 200, passwd) == "users");
    CHECK(s.answer(Kind::users, 200, "{}") == "to1001 attach");
  }
  for (const char* info : {R"({"SecurityOptions":["name=seccomp","name=userns"]})", "rubbish"}) {
    Story s = Story::of_user("1000");  // another number outside
    CHECK(s.begin() == "create");
    CHECK(s.answer(Kind::create, 201, R"({"Id":"4f4f"})") == "users");
    CHECK(s.answer(Kind::users, 200, info) == "line attach");
  }
}

TEST_CASE("whoever is root, or cannot be found, is started without") {
  for (const char* user : {"root", "nobody", "0", "0:5"}) {
    CAPTURE(user);
    Story s = Story::of_user(user);
    CHECK(s.begin() == "create");
    const std::string next = s.answer(Kind::create, 201, R"({"Id":"4f4f"})");
    if (next == "passwd") CHECK(s.answer(Kind::passwd, 200, tar_of("root:x:0:0::/:\n")) == "attach");
    else CHECK(next == "attach");
  }
  for (const auto& [status, body] : {std::pair{404, std::string()},
                                     {200, std::string("short")},
                                     {200, tar_of("elsewhere", '2')},
                                     {200, tar_of("app:x:1001").substr(0, 512)}}) {
    Story s = Story::of_user("app");
    CHECK(s.begin() == "create");
    CHECK(s.answer(Kind::create, 201, R"({"Id":"4f4f"})") == "passwd");
    CHECK(s.answer(Kind::passwd, status, body) == "attach");
  }
  for (const auto& [status, body] : {std::pair{500, "away"}, {200, "rubbish"}, {200, kRunning}}) {
    Story s = Story::of_user("");
    CHECK(s.begin() == "create");
    CHECK(s.answer(Kind::create, 201, R"({"Id":"4f4f"})") == "who");
    CHECK(s.answer(Kind::who, status, body) == "attach");
  }
  Story killed = Story::of_user("");
  CHECK(killed.begin() == "create");
  CHECK(killed.answer(Kind::create, 201, R"({"Id":"4f4f"})") == "who");
  CHECK(killed.kill() == "failed! remove");
  CHECK(killed.answer(Kind::who, 200, kRunning).empty());
}

TEST_CASE("a kill ends a start wherever it is, and leaves nothing") {
  SUBCASE("pulling") {
    Container container;
    container.pull = Container::Pull::always;
    Story s(container);
    s.begin();
    CHECK(s.kill() == "-pull failed!");
    CHECK(s.task->over());
    CHECK(s.answer(Kind::pull, 200).empty());
  }
  SUBCASE("creating") {
    Story s;
    s.begin();
    CHECK(s.kill() == "failed!");
    CHECK_FALSE(s.task->over());
    SUBCASE("done") { CHECK(s.answer(Kind::create, 201, R"({"Id":"4f4f"})") == "remove"); }
    SUBCASE("no image") {
      CHECK(s.answer(Kind::create, 404, R"({"message":"No such image: app:1"})").empty());
      CHECK(s.task->over());
    }
    SUBCASE("no answer") {
      CHECK(s.answer(Kind::create, 0, "closed") == "find");
      SUBCASE("created") {
        ContainerState ours;
        ours.id = "4f4f";
        ours.labels = {{"mimas.task", "t"}};
        s.task->judged(Owner::self, ours, s.now, s.acts);
        CHECK(s.told() == "remove");
      }
      SUBCASE("not created") {
        CHECK(s.answer(Kind::find, 404).empty());
        CHECK(s.task->over());
      }
    }
    CHECK(s.ends == 1);
  }
  SUBCASE("attaching") {
    Story s;
    s.begin();
    s.answer(Kind::create, 201, R"({"Id":"4f4f"})");
    CHECK(s.kill() == "failed! remove");
    CHECK(s.answer(Kind::attach, 200).empty());
  }
  SUBCASE("starting") {
    Story s;
    s.begin();
    s.answer(Kind::create, 201, R"({"Id":"4f4f"})");
    s.answer(Kind::attach, 200);
    CHECK(s.kill().empty());
    CHECK(s.answer(Kind::start, 204) == "look");
    CHECK(s.answer(Kind::look, 200, kRunning) == "started signal wait");
  }
}

TEST_CASE("a start that fails is one failure, and the container goes") {
  Story s;
  s.begin();
  s.answer(Kind::create, 201, R"({"Id":"4f4f"})");
  s.answer(Kind::attach, 200);
  SUBCASE("the program is not there") {
    CHECK(s.answer(Kind::start, 400, R"({"message":"exec: \"x\": executable file not found in $PATH"})") ==
          "failed! -attach remove");
  }
  SUBCASE("the port is taken for now") {
    CHECK(s.answer(Kind::start, 500, R"({"message":"port is already allocated"})") ==
          "failed? -attach remove");
  }
  CHECK(s.output_over().empty());
  CHECK(s.answer(Kind::remove, 500).empty());
  CHECK(s.later() == "remove");
  CHECK(s.answer(Kind::remove, 404).empty());
  CHECK(s.task->over());
  CHECK(s.ends == 1);
}

TEST_CASE("an answer to start that was lost is looked after") {
  Story s;
  s.begin();
  s.answer(Kind::create, 201, R"({"Id":"4f4f"})");
  s.answer(Kind::attach, 200);
  CHECK(s.answer(Kind::start, 0, "closed") == "look");
  SUBCASE("it runs") { CHECK(s.answer(Kind::look, 200, kRunning) == "started wait"); }
  SUBCASE("it does not") {
    CHECK(s.answer(Kind::look, 200, R"({"Id":"4f4f","State":{"Status":"created"}})").empty());
    CHECK(s.later() == "start");
  }
}

TEST_CASE("a name that is taken: ours is taken over, a dead one's goes, a living one's stays") {
  ContainerState there;
  there.id = "aaaa";
  there.labels = {{"mimas.task", "t"}, {"mimas.executor.pid", "7"}};
  Story s;
  s.begin();
  CHECK(s.answer(Kind::create, 409, R"({"message":"Conflict"})") == "find");
  const auto judge = [&](Owner owner) {
    s.task->judged(owner, there, s.now, s.acts);
    return s.told();
  };
  SUBCASE("ours") {
    CHECK(judge(Owner::self) == "attach");
    CHECK(s.last.target.starts_with("/containers/aaaa/"));
  }
  SUBCASE("a dead one's") {
    CHECK(judge(Owner::dead) == "remove");
    CHECK(s.answer(Kind::remove, 204).empty());
    CHECK(s.later() == "create");
  }
  SUBCASE("a living one's") {
    CHECK(judge(Owner::alive) == "failed?");
    CHECK(s.task->over());
  }
  SUBCASE("somebody else's") {
    CHECK(judge(Owner::foreign) == "failed!");
    CHECK(s.message.find("was not made by mimas") != std::string::npos);
    CHECK(s.task->over());
  }
}

}  // namespace mimas::executor
