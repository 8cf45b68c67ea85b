// The steps of a task's life, packed: tasks are many, and what most steps have to say is little.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"

namespace mimas {

enum class TaskState;

// A step: the state it entered, when and why.
struct StatusChange {
  TaskState state;
  Instant at;
  std::string reason;   // as Task::reason at that moment, cut to 256 bytes
  std::string message;  // for a person, cut to 256 bytes
  bool operator==(const StatusChange&) const = default;
};
inline constexpr std::size_t kStatusMessageBytesMax = 256;

// In the order in which they were added.
class StatusLog {
 public:
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const;  // walks them
  void add(const StatusChange& step);
  void drop_oldest();  // ASSERTs that there is one
  std::vector<StatusChange> steps() const;
  bool operator==(const StatusLog&) const = default;

 private:
  std::string bytes_;
};

}  // namespace mimas
