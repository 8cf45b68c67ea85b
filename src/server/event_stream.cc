#include "server/event_stream.h"

#include <algorithm>

#include "json/writer.h"
#include "net/clock.h"

namespace mimas::server {
namespace {

// A reader that went away is noticed in this time, also when nothing happens: its place is another's.
constexpr std::int64_t kLookMs = 1'000;

std::string reason_text(std::string_view why) {
  json::Writer out;
  out.begin_object().member("reason", why).end_object();
  return out.take();
}

}  // namespace

void EventStream::run(http::StreamWriter& out) {
  EventRing::Reader reader(ring_);
  out_ = &out;
  reader_ = &reader;
  written_ms_ = net::monotonic_ms();
  if (!begin()) return;
  while (follow()) {
  }
}

bool EventStream::flush() {
  if (gathered_.empty()) return true;
  const bool sent = out_->write(gathered_);
  gathered_.clear();
  written_ms_ = net::monotonic_ms();
  reader_->sent(std::exchange(gathered_events_, 0));
  return sent;
}

bool EventStream::put(std::string_view name, std::string_view id, std::string_view data) {
  if (format_ == EventFormat::server_sent) {
    if (!id.empty()) gathered_.append("id: ").append(id).append("\n");
    gathered_.append("event: ").append(name).append("\ndata: ").append(data).append("\n\n");
  } else {
    gathered_.append("{\"event\":\"").append(name).append("\"");
    if (!id.empty()) gathered_.append(",\"id\":\"").append(id).append("\"");
    gathered_.append(",\"data\":").append(data).append("}\n");
  }
  ++gathered_events_;
  return gathered_.size() < kEventBytesAtOnce || flush();
}

void EventStream::put_last(std::string_view name, const std::string& why) {
  put(name, {}, reason_text(why));
  flush();
}

// Says where the reader stands too, so that one whose filter lets little through can go on after a break.
bool EventStream::heartbeat() {
  const std::string id = ring_.id(at_);
  if (format_ == EventFormat::server_sent) {
    gathered_.append(": heartbeat\nid: ").append(id).append("\n\n");
  } else {
    gathered_.append("{\"event\":\"heartbeat\",\"id\":\"").append(id).append("\"}\n");
  }
  return flush();
}

bool EventStream::begin() {
  if (format_ == EventFormat::server_sent)
    gathered_.append("retry: ").append(std::to_string(kReconnectMs)).append("\n\n");
  if (!query_.last_event_id.empty()) {
    const EventRing::Resumed resumed = ring_.resume(query_.last_event_id);
    if (resumed.after) {
      at_ = *resumed.after;
      return heartbeat();
    }
    put("reset", {}, reason_text(resumed.why_not));
  }
  if (query_.snapshot) return tell_snapshot();
  at_ = ring_.last();
  return heartbeat();
}

bool EventStream::put_in_snapshot(const api::Event& event) {
  return !query_.filter.passes(event) || put(api::event_name(event), {}, api::render_event(event, sight_));
}

// Its events have no ids: who is cut off in the middle has seen nothing that it could go on from.
bool EventStream::tell_snapshot() {
  const ViewSnapshot all = view_.snapshot();
  for (const auto& one : all.jobs) {
    if (!put_in_snapshot(one.job)) return false;
    if (!one.shortfall.empty() && !put_in_snapshot(api::JobWaits{one.job.job, one.shortfall})) return false;
  }
  for (const auto& one : all.jobs) {
    for (const TaskPtr& task : one.tasks) {
      if (!put_in_snapshot(api::TaskChanged{one.job.job, task, one.shortfall})) return false;
    }
  }
  for (const AgentPtr& agent : all.agents) {
    if (!put_in_snapshot(api::AgentChanged{agent})) return false;
  }
  if (!put_in_snapshot(api::ConnectionChanged{all.connection})) return false;
  for (const auto& [name, text] : all.alerts) {
    if (!put_in_snapshot(api::AlertChanged{name, text})) return false;
  }
  for (const ScalingGroupPtr& group : all.scaling) {
    if (!put_in_snapshot(api::ScalingChanged{group})) return false;
  }
  at_ = all.last_event;
  return put("snapshotEnd", ring_.id(at_), "{}") && flush();
}

bool EventStream::follow() {
  const std::int64_t due = written_ms_ + query_.heartbeat_secs * 1000 - net::monotonic_ms();
  const EventRing::Taken taken = ring_.take(at_, kEventsAtOnce, std::clamp<std::int64_t>(due, 0, kLookMs));
  if (taken.lost) {
    reader_->overrun();
    put_last("overrun", "more changes have happened than are kept while this reader did not read");
    return false;
  }
  for (const EventPtr& event : taken.events) {
    at_ = event->number();
    if (!query_.filter.passes(event->event())) continue;
    // The text that all readers share shows everything.
    const std::string_view name = api::event_name(event->event());
    const bool told = api::sees_all_of(sight_, event->event())
                          ? put(name, ring_.id(at_), *event->text())
                          : put(name, ring_.id(at_), api::render_event(event->event(), sight_));
    if (!told) return false;
  }
  if (!flush()) return false;
  if (!taken.events.empty() && at_ > kEventTextsMax) ring_.forget_texts(at_ - kEventTextsMax);
  if (taken.closed && taken.events.empty()) {
    put_last("bye", "the server stops");
    return false;
  }
  if (!out_->peer_alive()) return false;
  return net::monotonic_ms() < written_ms_ + query_.heartbeat_secs * 1000 || heartbeat();
}

}  // namespace mimas::server
