// What both load programs (load.cc, load_api.cc) measure and ask with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "wire/http.h"

namespace mimas {

inline double now_ms() {  // monotonic
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC, &at);
  return static_cast<double>(at.tv_sec) * 1e3 + static_cast<double>(at.tv_nsec) / 1e6;
}

inline double quantile(const std::vector<double>& sorted, double share) {  // 0 of nothing
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

inline wire::Request request(const char* method, std::string target, std::string body = {}) {
  wire::Request made;
  made.method = method;
  made.target = std::move(target);
  if (!body.empty()) made.headers = {{"Content-Type", "application/json"}};
  made.body = std::move(body);
  return made;
}

}  // namespace mimas
