#include "cli/leave.h"

#include <doctest/doctest.h>

namespace mimas::cli {

TEST_CASE("what goes on is told with the way to find and to end it") {
  Leaving how;
  how.data = "/d";
  how.recovery_ms = 86'400'000;
  CHECK(kept_text(1, how) ==
        "1 task goes on running, without mimas for a day at most: `mimas dev --data /d` with the same flags "
        "finds it again, `mimas dev --purge --data /d` ends it when it is stopped");
  how.command = "pocket";
  how.recovery_ms = 900'000;
  CHECK(kept_text(2, how) ==
        "2 tasks go on running, without mimas for 15 minutes at most: `mimas pocket --data /d` with the same "
        "flags finds them again, `mimas pocket --purge --data /d` ends them when it is stopped");
}

TEST_CASE("only a clear yes ends tasks") {
  for (const char* yes : {"y\n", "Y\n", "yes\n", " YES \r\n"}) CHECK_MESSAGE(is_yes(yes), yes);
  for (const char* no : {"", "\n", "n\n", "no\n", "yep\n", "yy\n"}) CHECK_MESSAGE(!is_yes(no), no);
}

TEST_CASE("a period is told in its largest whole unit") {
  CHECK(period_text(1'000) == "a second");
  CHECK(period_text(90'000) == "90 seconds");
  CHECK(period_text(36 * 3'600'000LL) == "36 hours");
  CHECK(period_text(2 * 86'400'000LL) == "2 days");
  CHECK(period_text(1'500) == "1500 ms");
}

}  // namespace mimas::cli
