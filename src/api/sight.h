// Whose environment a caller may read: values of `env` are for whoever may know them, all others see the
// names and kMasked. What is made without saying for whom shows no value. Plain values; thread-safe.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "model/job.h"

namespace mimas::api {

inline constexpr std::string_view kMasked = "***";

struct Sight {
  bool values = false;            // at all
  std::vector<std::string> apps;  // of jobs with these appNames alone; empty: of all

  static Sight all() { return {true, {}}; }
  bool sees(const JobSpec& spec) const {
    return spec.env.empty() ||
           (values && (apps.empty() || std::ranges::find(apps, spec.app_name) != apps.end()));
  }
};

}  // namespace mimas::api
