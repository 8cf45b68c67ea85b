#include "cli/change_feed.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "wire/endpoint.h"

namespace mimas::cli {
namespace {

constexpr std::chrono::milliseconds kPause{250};
constexpr std::int64_t kBeginMs = 1'000;  // an old proxy may hold the first bytes back
constexpr std::int64_t kTogetherMs = 60;  // changes that come together are looked at together
constexpr int kTogetherRounds = 5;

}  // namespace

void add_parameter(std::string& query, const char* name, const std::string& value) {
  if (value.empty()) return;
  query += (query.empty() ? "" : "&") + std::string(name) + "=" + wire::percent_encode(value);
}

ChangeFeed::ChangeFeed(const Client& client, std::string query) : client_(client), query_(std::move(query)) {}

bool ChangeFeed::open() {
  Result<Rest> rest = Rest::open(client_);
  if (!rest.ok()) return false;
  std::vector<wire::Header> headers{{"Accept", "text/event-stream"}};
  if (!last_id_.empty()) headers.push_back({"Last-Event-ID", last_id_});
  const std::string target = "/v2/events?snapshot=false" + (query_.empty() ? "" : "&" + query_);
  const Status opened = rest->open_stream(target, headers);
  if (opened.ok()) {
    rest_.emplace(*std::move(rest));
    parser_ = {};
    // The first bytes say that the server has begun to watch: what is looked at from now on misses nothing.
    std::string first;
    if (rest_->read_stream(first, kBeginMs).ok()) (void)parser_.take(first).ok();
    return true;
  }
  const Code code = opened.error().code;
  unavailable_ = code != Code::unavailable && code != Code::timeout && code != Code::resource_exhausted;
  return false;
}

void ChangeFeed::wait(std::int64_t most_ms) {
  if (!rest_) {
    if (unavailable_ || !open()) std::this_thread::sleep_for(kPause);
    return;
  }
  bool changed = false;
  for (int round = 0; round < kTogetherRounds; ++round) {
    std::string bytes;
    const Result<bool> more = rest_->read_stream(bytes, changed ? kTogetherMs : std::min(most_ms, kQuietMs));
    if (!more.ok() && more.error().code == Code::timeout) return;
    const Result<std::vector<ServerEvent>> events = parser_.take(bytes);
    if (!more.ok() || !*more || !events.ok()) {
      rest_.reset();
      std::this_thread::sleep_for(kPause);  // a server that hangs up at once is not asked in a tight loop
      return;
    }
    for (const ServerEvent& event : *events) {
      if (!event.id.empty()) last_id_ = event.id;
      changed = true;
    }
    if (!changed) round = -1;  // heartbeats alone
  }
}

}  // namespace mimas::cli
