// Times are shown in the zone of whoever reads; the tests read in UTC, wherever they run.
#pragma once

#include <cstdlib>
#include <ctime>

namespace mimas::cli {

inline const bool kZoneIsUtc = [] {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  return true;
}();

}  // namespace mimas::cli
