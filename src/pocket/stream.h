// One event stream to one subscriber: records are pushed by a loop and written by the connection's worker
// thread, one chunk per record (mesos-protocol §5.1: flush after each record, never compressed). A subscriber
// that lets queue_bytes_max pile up is cut off. On order a stream misbehaves: it breaks off, drips, or
// freezes (pocket/fault.h). Thread-safe. Tested in tests/pocket/cluster_test.cc and
// tests/pocket/fault_test.cc.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "http/listener.h"

namespace mimas::pocket {

inline constexpr std::size_t kStreamQueueBytesMax = 64u << 20;

class EventStream {
 public:
  void push(std::string_view record);  // framed as RecordIO here
  void close();                        // after what is queued, the last chunk
  // Writes until closed or until the peer is gone, which is looked for every check_ms.
  void run(http::StreamWriter& writer, std::int64_t check_ms);

  // Faults.
  void drop();                               // at once, and without a last chunk
  void cut_next(std::size_t bytes);          // the next record ends after that many bytes, then as drop()
  void drip(std::int64_t bytes_per_second);  // 0: no limit
  void freeze(bool on = true);  // half-open: nothing is written and the peer not looked for until close()

 private:
  bool write_batch(http::StreamWriter& writer, const std::deque<std::string>& batch);
  bool write_slowly(http::StreamWriter& writer, std::string_view record);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  bool closed_ = false;
  bool dropped_ = false;
  bool frozen_ = false;
  std::int64_t bytes_per_second_ = 0;
  std::optional<std::size_t> cut_at_;
};

}  // namespace mimas::pocket
