#include "server/event_ring.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace mimas::server {

std::shared_ptr<const std::string> NumberedEvent::text() const {
  const std::lock_guard hold(mutex_);
  if (!text_) text_ = std::make_shared<const std::string>(api::render_event(event_, api::Sight::all()));
  return text_;
}

void NumberedEvent::forget_text() const {
  const std::lock_guard hold(mutex_);
  text_.reset();
}

std::string epoch_of(Instant start) {
  char text[16];
  const auto [end, failure] =
      std::to_chars(text, text + sizeof text, std::max<std::int64_t>(start.ms, 0), 36);
  return failure == std::errc{} ? std::string(text, end) : std::string("0");
}

void EventRing::append(std::vector<api::Event> events) {
  std::vector<EventPtr> dropped;  // destroyed after the lock is given back
  {
    const std::lock_guard hold(mutex_);
    for (api::Event& event : events) {
      events_.push_back(std::make_shared<const NumberedEvent>(++last_, std::move(event)));
      bytes_ += events_.back()->weight();
    }
    while (bytes_ > bytes_max_ && events_.size() > events.size()) {
      bytes_ -= events_.front()->weight();
      dropped.push_back(std::move(events_.front()));
      events_.pop_front();
    }
    counts_.made = last_;
  }
  arrived_.notify_all();
}

std::uint64_t EventRing::last() const {
  const std::lock_guard hold(mutex_);
  return last_;
}

EventRing::Resumed EventRing::resume(std::string_view id) const {
  const std::size_t dash = id.rfind('-');
  std::uint64_t number = 0;
  const bool has_number = dash != std::string_view::npos && [&] {
    const auto [end, failure] = std::from_chars(id.data() + dash + 1, id.data() + id.size(), number);
    return failure == std::errc{} && end == id.data() + id.size();
  }();
  if (!has_number) return {std::nullopt, "the id to go on from is none of ours"};
  if (id.substr(0, dash) != epoch_)
    return {std::nullopt, "the id to go on from is of before the last start of the server"};
  const std::lock_guard hold(mutex_);
  if (number > last_) return {std::nullopt, "the id to go on from has not been given yet"};
  if (number + events_.size() < last_)
    return {std::nullopt, "the id to go on from is too old: the last " + std::to_string(events_.size()) +
                              " changes are kept"};
  return {number, {}};
}

EventRing::Taken EventRing::take(std::uint64_t after, std::size_t most, std::int64_t wait_ms) const {
  std::unique_lock hold(mutex_);
  arrived_.wait_for(hold, std::chrono::milliseconds(wait_ms), [&] { return closed_ || last_ > after; });
  Taken taken;
  taken.closed = closed_;
  const std::uint64_t first = last_ - events_.size() + 1;
  taken.lost = after + 1 < first;
  if (taken.lost || after >= last_) return taken;
  const auto from = events_.begin() + static_cast<std::ptrdiff_t>(after + 1 - first);
  const std::size_t count = std::min<std::size_t>(most, last_ - after);
  taken.events.assign(from, from + static_cast<std::ptrdiff_t>(count));
  return taken;
}

void EventRing::forget_texts(std::uint64_t before) const {
  std::vector<EventPtr> old;
  {
    const std::lock_guard hold(mutex_);
    const std::uint64_t first = last_ - events_.size() + 1;
    for (std::uint64_t at = std::max(texts_from_, first); at < std::min(before, last_ + 1); ++at)
      old.push_back(events_[at - first]);
    texts_from_ = std::max(texts_from_, before);
  }
  for (const EventPtr& event : old) event->forget_text();
}

EventRing::Reader::Reader(EventRing& ring) : ring_(ring) {
  const std::lock_guard hold(ring_.mutex_);
  ++ring_.counts_.readers;
}

EventRing::Reader::~Reader() {
  const std::lock_guard hold(ring_.mutex_);
  --ring_.counts_.readers;
  ring_.left_.notify_all();
}

void EventRing::Reader::sent(std::uint64_t events) {
  const std::lock_guard hold(ring_.mutex_);
  ring_.counts_.sent += events;
}

void EventRing::Reader::overrun() {
  const std::lock_guard hold(ring_.mutex_);
  ++ring_.counts_.overruns;
}

void EventRing::close(std::int64_t wait_ms) {
  std::unique_lock hold(mutex_);
  closed_ = true;
  arrived_.notify_all();
  left_.wait_for(hold, std::chrono::milliseconds(wait_ms), [this] { return counts_.readers == 0; });
}

EventRing::Counts EventRing::counts() const {
  const std::lock_guard hold(mutex_);
  Counts counts = counts_;
  counts.held = static_cast<std::int64_t>(events_.size());
  counts.bytes = static_cast<std::int64_t>(bytes_);
  return counts;
}

}  // namespace mimas::server
