// ASSERT: for our own mistakes only, always on. Nothing that comes from outside may reach one; bad input is
// an Error (base/result.h). A failed ASSERT writes one line to stderr and aborts.
#pragma once

namespace mimas {

[[noreturn]] void assert_failed(const char* what, const char* file, int line);

}  // namespace mimas

#define ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::mimas::assert_failed(#condition, __FILE__, __LINE__))
