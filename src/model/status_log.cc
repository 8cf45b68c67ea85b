// A step is packed as its state (1 byte), its instant (8), the lengths of its two texts (2 each) and the
// texts, in the machine's own order of bytes: it never leaves the process like this. Tested in
// tests/model/status_history_test.cc.
#include "model/status_log.h"

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/assert.h"
#include "base/text.h"
#include "model/task.h"

namespace mimas {
namespace {

constexpr std::size_t kHeadBytes = 1 + sizeof(std::int64_t) + 2 * sizeof(std::uint16_t);

template <class Number>
void put(std::string& bytes, Number number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  bytes.append(raw, sizeof number);
}

template <class Number>
Number number_at(const std::string& bytes, std::size_t at) {
  Number number{};
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

struct Head {
  std::size_t reason = 0, message = 0;
  std::size_t whole() const { return kHeadBytes + reason + message; }
};

Head head_at(const std::string& bytes, std::size_t at) {
  const std::size_t lengths = at + 1 + sizeof(std::int64_t);
  return {number_at<std::uint16_t>(bytes, lengths),
          number_at<std::uint16_t>(bytes, lengths + sizeof(std::uint16_t))};
}

}  // namespace

std::size_t StatusLog::size() const {
  std::size_t steps = 0;
  for (std::size_t at = 0; at < bytes_.size(); at += head_at(bytes_, at).whole()) ++steps;
  return steps;
}

void StatusLog::add(const StatusChange& step) {
  const std::string reason = cut_text(step.reason, kStatusMessageBytesMax);
  const std::string message = cut_text(step.message, kStatusMessageBytesMax);
  std::string grown;  // of exactly the size: a string that grows by itself takes up to twice as much
  grown.reserve(bytes_.size() + kHeadBytes + reason.size() + message.size());
  grown = bytes_;
  put(grown, static_cast<char>(step.state));
  put(grown, step.at.ms);
  put(grown, static_cast<std::uint16_t>(reason.size()));
  put(grown, static_cast<std::uint16_t>(message.size()));
  grown.append(reason).append(message);
  bytes_ = std::move(grown);
}

void StatusLog::drop_oldest() {
  ASSERT(!bytes_.empty());
  bytes_.erase(0, head_at(bytes_, 0).whole());
}

std::vector<StatusChange> StatusLog::steps() const {
  std::vector<StatusChange> all;
  for (std::size_t at = 0; at < bytes_.size();) {
    const Head head = head_at(bytes_, at);
    all.push_back({static_cast<TaskState>(bytes_[at]), Instant{number_at<std::int64_t>(bytes_, at + 1)},
                   bytes_.substr(at + kHeadBytes, head.reason),
                   bytes_.substr(at + kHeadBytes + head.reason, head.message)});
    at += head.whole();
  }
  return all;
}

}  // namespace mimas
