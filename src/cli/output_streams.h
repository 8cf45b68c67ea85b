// What several tasks write, on one terminal: each stream is read by a thread of its own, and goes out line by
// line, with its prefix before each line, so that the words of two tasks never stand in one. Standard output
// goes to ours, standard error to ours. Bounds: kStreamsMax at once, the rest is left out and said once; a
// line above 64 KiB is cut into several. Used from one thread. Tested in tests/cli/output_streams_test.cc
// (the lines) and tests/e2e/cli_test.py.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "cli/client_requests.h"

namespace mimas::cli {

// Bytes in, whole lines with a prefix out.
class PrefixedLines {
 public:
  explicit PrefixedLines(std::string prefix) : prefix_(std::move(prefix)) {}
  std::string take(std::string_view bytes);  // what can be written now; "" until a line is complete
  std::string rest();                        // the line that never ended, with a line feed

 private:
  std::string prefix_;
  std::string line_;
};

class OutputStreams {
 public:
  static constexpr std::size_t kStreamsMax = 32;
  explicit OutputStreams(Client client) : client_(std::move(client)) {}
  ~OutputStreams();  // does not wait for streams that go on
  OutputStreams(const OutputStreams&) = delete;
  OutputStreams& operator=(const OutputStreams&) = delete;

  struct Wanted {
    std::string task;
    std::string file = "stdout";
    std::string prefix;  // "" for one task alone: its bytes as they come
    std::string query;   // "follow=true", "tail=5"
    bool to_stderr = false;
  };
  void add(Wanted wanted);  // once for each task and file; later calls with the same are ignored
  void wait();              // until every stream has ended
  // The first that could not be read, if any.
  Status status() const;

 private:
  void read(const Wanted& wanted);
  void write(const Wanted& wanted, std::string_view text);

  const Client client_;
  std::set<std::pair<std::string, std::string>> known_;
  std::vector<std::thread> threads_;
  bool cut_ = false;
  std::atomic<bool> left_{false};
  mutable std::mutex mutex_;
  Status failed_ = Done{};
};

}  // namespace mimas::cli
