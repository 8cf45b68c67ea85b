// One TCP connection in virtual time: messages arrive in order, each after a delay; different connections
// overtake one another. It ends by either side closing it (what was sent before still arrives), by a cut
// (what is under way is lost, both sides see the end), or half-open (nothing arrives any more and only the
// server's side sees the end, long after). A paused client leaves what comes unread; past kUnreadMax the
// server's side gives the connection up. Held by shared_ptr: what is under way keeps it alive. One thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "ground.h"

namespace mimas::sim {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Deed = Timeline::Deed;
  static constexpr std::size_t kUnreadMax = 64;  // messages

  explicit Connection(Ground& ground) : ground_(ground) {}

  // Called once when that side learns of the end without having closed it itself.
  Deed client_ended, server_ended;

  void to_server(Deed deed);
  void to_client(Deed deed);
  void close_by_client();
  void close_by_server();
  void cut();
  void half_open();
  void pause_client();
  void resume_client();

  bool is_over() const { return cut_ || client_closed_ || server_closed_; }
  bool is_half_open() const { return half_open_; }

 private:
  void arrive_at_client(Deed deed);
  void end_client();
  void end_server();

  Ground& ground_;
  Instant last_up_{}, last_down_{};
  bool cut_ = false;
  bool half_open_ = false;
  bool client_closed_ = false;  // the client's side is over: closed, or told of the end
  bool server_closed_ = false;
  bool paused_ = false;
  bool overflowed_ = false;
  std::deque<Deed> unread_;
};

using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace mimas::sim
