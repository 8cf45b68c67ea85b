#include "model/signals.h"

#include <doctest/doctest.h>

#include <csignal>
#include <set>

using namespace mimas;

TEST_CASE("a signal is read by its name, in any case, with or without SIG, or by its number") {
  for (const char* text : {"SIGQUIT", "QUIT", "sigquit", "Quit", "3"}) {
    CAPTURE(text);
    CHECK(*parse_signal(text) == SIGQUIT);
  }
  CHECK(*parse_signal("SIGRTMIN") == 34);
  CHECK(*parse_signal("RTMIN+3") == 37);
  CHECK(*parse_signal("sigrtmax-1") == 63);
  CHECK(*parse_signal("64") == 64);
}

TEST_CASE("what is no signal is refused") {
  for (const char* text :
       {"", "SIG", "SIGQUITE", "0", "-1", "32", "33", "65", "3 ", "1e1", "99999999999999999999",
        "SIGRTMIN+31", "SIGRTMIN-1", "SIGRTMAX+1", "RTMIN+", "RTMIN+1x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_signal(text).ok());
  }
  for (const std::int64_t number : {INT64_C(0), INT64_C(-9), INT64_C(32), INT64_C(65), INT64_C(4294967305)})
    CHECK_FALSE(check_signal(number).ok());
}

TEST_CASE("every signal has one name, which reads as itself, and the numbers are this machine's") {
  std::set<std::string> names;
  for (std::int32_t number = 1; number <= 64; ++number) {
    if (number == 32 || number == 33) continue;
    CAPTURE(number);
    CHECK(*parse_signal(signal_name(number)) == number);
    names.insert(signal_name(number));
  }
  CHECK(names.size() == 62);
  CHECK(signal_names().size() == 31);
  CHECK(signal_name(33) == "33");
  for (const auto& [name, number] : {std::pair{"HUP", SIGHUP},
                                     {"INT", SIGINT},
                                     {"USR1", SIGUSR1},
                                     {"USR2", SIGUSR2},
                                     {"TERM", SIGTERM},
                                     {"CHLD", SIGCHLD},
                                     {"WINCH", SIGWINCH},
                                     {"PWR", SIGPWR},
                                     {"SYS", SIGSYS}})
    CHECK(*parse_signal(name) == number);
  CHECK(is_uncatchable(SIGKILL));
  CHECK(is_uncatchable(SIGSTOP));
  CHECK_FALSE(is_uncatchable(SIGTERM));
}
