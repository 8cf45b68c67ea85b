// The last changes, for readers of GET /v2/events. The loop appends pointers after the commit, under the
// published view's lock; readers take them, make their text (once, whoever comes first) and wait for more. A
// reader never makes the loop wait: whoever is slower than the ring is long finds that its place is gone.
//
// A number is given to every event, growing by one; the id that clients see is "<epoch>-<number>", where the
// epoch is the moment the server started, in milliseconds and base 36. A later start has a greater epoch.
//
// Bounds: kEventBytesMax of what the events keep alive (old versions of records, api::weight_of), but never
// fewer events than the last commit made, so that no commit alone drives away a reader who was there in time;
// the texts of the newest kEventTextsMax of them. Thread-safe. Tested in tests/server/event_ring_test.cc.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/event.h"
#include "base/time.h"

namespace mimas::server {

inline constexpr std::size_t kEventBytesMax = 32u << 20;  // some 20,000 events
inline constexpr std::size_t kEventTextsMax = 2'048;

class NumberedEvent {
 public:
  NumberedEvent(std::uint64_t number, api::Event event)
      : number_(number), event_(std::move(event)), weight_(api::weight_of(event_)) {}
  std::uint64_t number() const { return number_; }
  const api::Event& event() const { return event_; }
  std::size_t weight() const { return weight_; }
  std::shared_ptr<const std::string> text() const;  // its data, as JSON in one line
  void forget_text() const;

 private:
  const std::uint64_t number_;
  const api::Event event_;
  const std::size_t weight_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const std::string> text_;
};
using EventPtr = std::shared_ptr<const NumberedEvent>;

std::string epoch_of(Instant start);

class EventRing {
 public:
  explicit EventRing(std::string epoch, std::size_t bytes_max = kEventBytesMax)
      : epoch_(std::move(epoch)), bytes_max_(bytes_max) {}

  // The loop's, those of one commit; `events` is not empty.
  void append(std::vector<api::Event> events);

  std::string id(std::uint64_t number) const { return epoch_ + "-" + std::to_string(number); }
  std::uint64_t last() const;  // 0: nothing has happened yet

  // Where a reader goes on that has seen the event of this id; or the sentence why it cannot.
  struct Resumed {
    std::optional<std::uint64_t> after;
    std::string why_not;
  };
  Resumed resume(std::string_view id) const;

  struct Taken {
    std::vector<EventPtr> events;  // those after `after`, oldest first
    bool lost = false;             // some of those after `after` are gone
    bool closed = false;
  };
  // Waits up to `wait_ms` for something to have happened after `after`.
  Taken take(std::uint64_t after, std::size_t most, std::int64_t wait_ms) const;
  void forget_texts(std::uint64_t before) const;  // of events that were rendered and are old

  // A reader is open from its first byte to its last.
  class Reader {
   public:
    explicit Reader(EventRing& ring);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    void sent(std::uint64_t events);
    void overrun();

   private:
    EventRing& ring_;
  };

  // All readers are told and may say goodbye; answers when the last one is gone, or the time.
  void close(std::int64_t wait_ms);

  struct Counts {
    std::uint64_t made = 0, sent = 0, overruns = 0;
    std::int64_t readers = 0, held = 0, bytes = 0;
  };
  Counts counts() const;

 private:
  const std::string epoch_;
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::condition_variable left_;
  std::deque<EventPtr> events_;  // without gaps; the newest has the number last_
  mutable std::uint64_t texts_from_ = 1;
  std::uint64_t last_ = 0;
  std::size_t bytes_ = 0;
  bool closed_ = false;
  Counts counts_;
};

}  // namespace mimas::server
