// One event stream to one subscriber: records are pushed by a loop and written by the connection's worker
// thread, one chunk per record (mesos-protocol §5.1: flush after each record, never compressed). A subscriber
// that lets queue_bytes_max pile up is cut off. Thread-safe. Tested in tests/pocket/cluster_test.cc.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

#include "http/listener.h"

namespace mimas::pocket {

inline constexpr std::size_t kStreamQueueBytesMax = 64u << 20;

class EventStream {
 public:
  void push(std::string_view record);  // framed as RecordIO here
  void close();                        // after what is queued, the last chunk
  void freeze();  // a fault: half-open, nothing is written and the peer not looked for until close()
  // Writes until closed or until the peer is gone, which is looked for every check_ms.
  void run(http::StreamWriter& writer, std::int64_t check_ms);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  bool closed_ = false;
  bool frozen_ = false;
};

}  // namespace mimas::pocket
