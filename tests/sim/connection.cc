#include "connection.h"

#include <algorithm>
#include <utility>

namespace mimas::sim {

void Connection::to_server(Deed deed) {
  if (cut_ || half_open_ || client_closed_) return;
  last_up_ = std::max(last_up_, ground_.now() + ground_.delay_ms());
  ground_.time.at(last_up_, [self = shared_from_this(), deed = std::move(deed)] {
    if (!self->cut_ && !self->half_open_ && !self->server_closed_) deed();
  });
}

void Connection::to_client(Deed deed) {
  if (cut_ || half_open_ || server_closed_) return;
  last_down_ = std::max(last_down_, ground_.now() + ground_.delay_ms());
  ground_.time.at(last_down_, [self = shared_from_this(), deed = std::move(deed)]() mutable {
    if (!self->cut_ && !self->half_open_) self->arrive_at_client(std::move(deed));
  });
}

void Connection::arrive_at_client(Deed deed) {
  if (client_closed_) return;
  if (!paused_) {
    deed();
    return;
  }
  if (overflowed_) return;
  unread_.push_back(std::move(deed));
  if (unread_.size() < kUnreadMax) return;
  overflowed_ = true;
  ground_.hit("unread bytes ran over");
  unread_.push_back([this] { end_client(); });
  end_server();
}

void Connection::close_by_client() {
  if (client_closed_) return;
  client_closed_ = true;
  unread_.clear();
  if (cut_ || half_open_) return;
  last_up_ = std::max(last_up_, ground_.now() + ground_.delay_ms());
  ground_.time.at(last_up_, [self = shared_from_this()] { self->end_server(); });
}

void Connection::close_by_server() {
  if (server_closed_) return;
  server_closed_ = true;
  if (cut_ || half_open_) return;
  last_down_ = std::max(last_down_, ground_.now() + ground_.delay_ms());
  ground_.time.at(last_down_,
                  [self = shared_from_this()] { self->arrive_at_client([self] { self->end_client(); }); });
}

void Connection::cut() {
  if (cut_) return;
  cut_ = true;
  ground_.time.after(ground_.delay_ms(), [self = shared_from_this()] { self->end_client(); });
  ground_.time.after(ground_.delay_ms(), [self = shared_from_this()] { self->end_server(); });
}

void Connection::half_open() {
  if (cut_ || half_open_) return;
  half_open_ = true;
  ground_.time.after(ground_.between(30'000, 600'000), [self = shared_from_this()] { self->end_server(); });
}

void Connection::pause_client() { paused_ = true; }

void Connection::resume_client() {
  paused_ = false;
  const ConnectionPtr self = shared_from_this();
  for (Deed& deed : std::exchange(unread_, {})) {
    if (!client_closed_) deed();
  }
}

void Connection::end_client() {
  if (std::exchange(client_closed_, true)) return;
  if (client_ended) client_ended();
}

void Connection::end_server() {
  if (std::exchange(server_closed_, true)) return;
  if (server_ended) server_ended();
}

}  // namespace mimas::sim
