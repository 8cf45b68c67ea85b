#include "base/time.h"

#include <doctest/doctest.h>

using namespace mimas;

TEST_CASE("instants are printed in UTC with three fraction digits") {
  struct {
    std::int64_t ms;
    const char* text;
  } const cases[] = {
      {0, "1970-01-01T00:00:00.000Z"},
      {1, "1970-01-01T00:00:00.001Z"},
      {-1, "1969-12-31T23:59:59.999Z"},
      {951'782'400'000, "2000-02-29T00:00:00.000Z"},  // a leap year although divisible by 100
      {951'868'800'000, "2000-03-01T00:00:00.000Z"},
      {1'709'164'800'123, "2024-02-29T00:00:00.123Z"},
      {1'677'628'799'999, "2023-02-28T23:59:59.999Z"},
      {4'107'542'400'000, "2100-03-01T00:00:00.000Z"},  // no leap year
      {4'107'542'399'999, "2100-02-28T23:59:59.999Z"},
      {1'798'761'599'999, "2026-12-31T23:59:59.999Z"},
      {-62'167'219'200'000, "0000-01-01T00:00:00.000Z"},
      {253'402'300'799'999, "9999-12-31T23:59:59.999Z"},
  };
  for (const auto& one : cases) CHECK(format_rfc3339(Instant{one.ms}) == one.text);
}

TEST_CASE("instants outside the years 0 to 9999 are clamped when printed") {
  CHECK(format_rfc3339(Instant{INT64_MIN}) == "0000-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(kNever) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("each day follows the one before it through 800 years") {
  // A second, slower calendar: counts days by the rule of leap years alone.
  int year = 1700, month = 1, day = 1;
  const auto length = [&] {
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return lengths[month - 1];
  };
  bool agree = true;
  for (std::int64_t at = -8'520'336'000'000; year < 2500 && agree; at += 86'400'000) {
    char wanted[48];
    std::snprintf(wanted, sizeof wanted, "%04d-%02d-%02d", year, month, day);
    agree = format_rfc3339(Instant{at}).substr(0, 10) == wanted;
    if (!agree) FAIL(wanted);
    if (++day > length()) {
      day = 1;
      if (++month > 12) {
        month = 1;
        ++year;
      }
    }
  }
  CHECK(year == 2500);
}

TEST_CASE("what is printed can be read again, and nothing else can") {
  const auto read = [](std::string_view text) { return parse_rfc3339(text).value_or(Instant{-1}).ms; };
  for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{951'782'399'999}, std::int64_t{951'782'400'000},
                                std::int64_t{1'763'708'400'123}, std::int64_t{253'402'300'799'999}}) {
    CHECK(read(format_rfc3339(Instant{ms})) == ms);
  }
  CHECK(parse_rfc3339(format_rfc3339(Instant{-86'400'001})) == Instant{-86'400'001});
  CHECK(read("2026-11-21T07:00:00Z") == read("2026-11-21T07:00:00.000Z"));
  for (const char* wrong :
       {"", "2026-11-21", "2026-11-21T07:00:00", "2026-11-21T07:00:00.1Z", "2026-11-21 07:00:00Z",
        "2026-02-30T07:00:00Z", "2026-13-01T07:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T07:60:00Z",
        "2026-11-21T07:00:00+01", "20a6-11-21T07:00:00Z", "-026-11-21T07:00:00Z"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_rfc3339(wrong));
  }
}

TEST_CASE("never plus anything stays never, and sums do not overflow into the past") {
  CHECK(kNever + 5 == kNever);
  CHECK(kNever + -5 == kNever);
  CHECK(Instant{INT64_MAX - 3} + 5 == kNever);
  CHECK(Instant{10} + 5 == Instant{15});
}

TEST_CASE("Mesos durations are a number directly followed by a plural unit") {
  const auto ms = [](std::string_view text) { return parse_mesos_duration_ms(text); };
  CHECK(*ms("15mins") == 900'000);
  CHECK(*ms("1.5secs") == 1'500);
  CHECK(*ms("2secs") == 2'000);
  CHECK(*ms("1mins") == 60'000);
  CHECK(*ms("0secs") == 0);
  CHECK(*ms("999999ns") == 0);
  CHECK(*ms("1000000ns") == 1);
  CHECK(*ms("2500us") == 2);
  CHECK(*ms("3ms") == 3);
  CHECK(*ms("1hrs") == 3'600'000);
  CHECK(*ms("1days") == 86'400'000);
  CHECK(*ms("2weeks") == 1'209'600'000);
  CHECK(*ms("0.5weeks") == 302'400'000);
  for (const char* text :
       {"", "2 secs", "-1secs", "+1secs", "secs", "1", "1sec", "1min", "1.secs", ".5secs", "1,5secs",
        "1e3secs", " 1secs", "1secs ", "1SECS", "99999999999secs", "9999999999weeks", "1.2.3secs"}) {
    CAPTURE(text);
    CHECK_FALSE(ms(text).ok());
  }
}
