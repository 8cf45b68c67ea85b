#include "http/exchange.h"

#include <charconv>
#include <utility>

#include "http/refusal.h"
#include "http/reply_head.h"
#include "http/target.h"

namespace mimas::http {
namespace {

// What a streamed body is written through: as it is, or as chunks.
class BodyWriter final : public StreamWriter {
 public:
  BodyWriter(Channel& channel, BodyLength length) : channel_(channel), length_(length) {}

  bool write(std::string_view bytes) override {
    if (channel_.stopping()) return false;
    if (bytes.empty()) return peer_alive();  // an empty chunk would end the reply
    written_ += static_cast<std::int64_t>(bytes.size());
    if (length_.kind == BodyLength::Kind::bytes && written_ > length_.bytes)
      return false;  // past the announced length another reply begins
    if (length_.kind != BodyLength::Kind::chunked) return channel_.write(bytes) && channel_.flush();
    char size[sizeof(std::size_t) * 2];
    const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
    return channel_.write({size, static_cast<std::size_t>(end - size)}) && channel_.write("\r\n") &&
           channel_.write(bytes) && channel_.write("\r\n") && channel_.flush();
  }
  bool peer_alive() override { return !channel_.stopping() && channel_.peer_alive(); }
  void cut() override { cut_ = true; }

  // The orderly end; false: the peer must not take this for one.
  bool finish() {
    if (cut_ || (length_.kind == BodyLength::Kind::bytes && written_ != length_.bytes)) return false;
    return length_.kind != BodyLength::Kind::chunked || channel_.write("0\r\n\r\n");
  }

 private:
  Channel& channel_;
  const BodyLength length_;
  bool cut_ = false;
  std::int64_t written_ = 0;
};

// A place among the streams, given back at the end.
class StreamPlace {
 public:
  StreamPlace(std::atomic<int>& open, int most) : open_(open), taken_(open.fetch_add(1) < most) {}
  ~StreamPlace() { open_.fetch_sub(1); }
  StreamPlace(const StreamPlace&) = delete;
  StreamPlace& operator=(const StreamPlace&) = delete;
  bool taken() const { return taken_; }

 private:
  std::atomic<int>& open_;
  const bool taken_;
};

// Others say a body they have no use for; it is not read, and neither is what follows it.
bool takes_body(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

class Collector final : public StreamWriter {
 public:
  explicit Collector(std::string& into) : into_(into) {}
  bool write(std::string_view bytes) override {
    into_.append(bytes);
    return true;
  }
  bool peer_alive() override { return true; }

 private:
  std::string& into_;
};

}  // namespace

void collect(Reply& reply) {
  if (!reply.stream || reply.lasting) return;
  Collector collector(reply.body);
  std::exchange(reply.stream, nullptr)(collector);
}

// One request and its reply.
struct Exchange::Turn {
  Turn(Exchange& owner, Channel& on, const std::atomic<bool>& last_of_all, std::atomic<std::int64_t>& since)
      : exchange(owner),
        channel(on),
        last(last_of_all),
        reading_since_ms(since),
        parser(owner.options_.body_bytes_max) {}

  bool serve() {
    if (!read_until([&] { return parser.head_complete(); })) return refuse();
    take_head();
    if (!refused && parser.head().has_body) {
      if (!takes_body(request.method)) {
        unread = true;
      } else if (!ask_for_body() || !read_until([&] { return parser.complete(); })) {
        return refuse();
      }
    }
    reading_since_ms.store(0);
    return send(refused ? *std::move(refused) : answer());
  }

 private:
  // Feeds what comes to the parser; false: it, or the peer, is at fault.
  template <typename Enough>
  bool read_until(Enough enough) {
    while (!enough()) {
      if (parser.fault()) return false;
      const std::string_view bytes = channel.arrived();
      if (bytes.empty()) return false;
      channel.take(parser.feed(bytes, request.body));
    }
    return true;
  }

  void take_head() {
    wire::RequestHead& head = parser.head();
    close = !head.keep_alive;
    request.method = std::move(head.method);
    request.headers = std::move(head.headers);
    request.remote = channel.remote();
    request.secure = exchange.options_.security != nullptr;
    request.certificate = channel.peer_name();
    Result<Target> target = parse_target(head.target);
    const std::string_view coding = request.header("Content-Encoding");
    if (!target) {
      refused = refusal_reply(400, target.error().message);
    } else if (head.has_body && !coding.empty() && !wire::equals_ignoring_case(coding, "identity")) {
      refused = refusal_reply(415, refusal_detail(415));
    } else {
      request.path = std::move(target->path);
      request.query = std::move(target->query);
    }
    close = close || refused;
    if (refused) unread = head.has_body;
  }

  bool ask_for_body() {
    return !parser.head().expects_continue ||
           (channel.write("HTTP/1.1 100 Continue\r\n\r\n") && channel.flush());
  }

  // What came is no request, or not all of one: said once, and nothing is read behind it.
  bool refuse() {
    unread = true;
    if (const auto& fault = parser.fault()) return send(refusal_reply(fault->status, fault->detail));
    if (!parser.begun()) return false;
    // Whoever is told to go for a newcomer's sake was too slow as well.
    const bool slow = channel.failure() == Channel::Failure::timed_out || last.load();
    return send(slow ? refusal_reply(408, refusal_detail(408))
                     : refusal_reply(400, "the request is cut short"));
  }

  Reply answer() {
    try {
      Reply reply = exchange.handler_(request);
      if (reply.status >= 200 && reply.status <= 599) return reply;
    } catch (...) {
    }
    return refusal_reply(500, refusal_detail(500));
  }

  bool send(Reply reply) {
    if (reply.lost) {
      channel.discard();
      return false;
    }
    close = close || unread || last.load() || channel.stopping() ||
            wire::header_lists(reply.headers, "Connection", "close");
    bool sent = false;
    if (request.method == "HEAD" || !reply.stream) {
      sent = send_whole(std::move(reply));
    } else {
      sent = reply.lasting ? send_stream(reply) : send_pieces(std::move(reply));
    }
    const bool good = channel.flush() && sent && !close;
    if (unread) channel.linger();
    return good;
  }

  BodyLength length_of(const Reply& reply) const {
    using Kind = BodyLength::Kind;
    if (reply.status == 204 || reply.status == 304) return {Kind::none, 0};  // RFC 9110 §8.6
    if (!reply.stream) return {Kind::bytes, static_cast<std::int64_t>(reply.body.size())};
    if (reply.stream_bytes) return {Kind::bytes, std::max<std::int64_t>(0, *reply.stream_bytes)};
    return {parser.head().minor == 0 ? Kind::until_close : Kind::chunked, 0};
  }

  bool send_whole(Reply given) {
    // What fits a piece costs no more than its connection does.
    const auto bytes = static_cast<std::int64_t>(given.body.size());
    const ReplyBudget::Share share(exchange.shared_.replies, given.body.size() > kGatherBytes ? bytes : 0);
    const Reply reply = share.granted() ? std::move(given) : too_much();  // gone before its share is
    const BodyLength length = length_of(reply);
    if (!channel.write(reply_head(reply, length, close))) return false;
    if (request.method == "HEAD" || length.kind == BodyLength::Kind::none) return true;
    return channel.write(reply.body) && channel.flush();  // within the share
  }

  static Reply too_much() {
    return refusal_reply(503, "too many bytes of replies are on their way, try again soon");
  }

  // The head waits until the body is at its end, or more than a piece.
  class Pieces final : public StreamWriter {
   public:
    Pieces(Turn& turn, Reply& reply) : turn_(turn), reply_(reply) {}
    bool write(std::string_view bytes) override {
      if (body_) return body_->write(bytes);
      reply_.body.append(bytes);
      return reply_.body.size() < kGatherBytes || begin();
    }
    bool peer_alive() override { return turn_.channel.peer_alive(); }
    bool finish() {
      if (body_) return body_->finish();
      reply_.stream = nullptr;
      return turn_.send_whole(std::move(reply_));
    }
    bool begun() const { return body_.has_value(); }

   private:
    bool begin() {
      const BodyLength length = turn_.length_of(reply_);
      if (length.kind == BodyLength::Kind::until_close) turn_.close = true;
      body_.emplace(turn_.channel, length);
      const std::string first = std::exchange(reply_.body, {});
      return turn_.channel.write(reply_head(reply_, length, turn_.close)) && body_->write(first);
    }
    Turn& turn_;
    Reply& reply_;
    std::optional<BodyWriter> body_;
  };

  bool send_pieces(Reply reply) {
    const ReplyBudget::Share share(exchange.shared_.replies, kPieceShareBytes);
    if (!share.granted()) return send_whole(too_much());
    const auto make = std::move(reply.stream);
    reply.stream = [](StreamWriter&) {};  // length_of() sees that there is one
    Pieces pieces(*this, reply);
    try {
      make(pieces);
    } catch (...) {
      if (pieces.begun()) return false;  // without a last chunk
      return send_whole(refusal_reply(500, refusal_detail(500)));
    }
    return pieces.finish();
  }

  bool send_stream(const Reply& reply) {
    const BodyLength length = length_of(reply);
    if (length.kind == BodyLength::Kind::none || (reply.stream_bytes && length.bytes == 0))
      return channel.write(reply_head(reply, length, close));
    const StreamPlace place(exchange.shared_.streams_open, exchange.options_.streams_max);
    if (!place.taken()) return send_whole(refusal_reply(503, "too many streams are open, try again soon"));
    if (length.kind == BodyLength::Kind::until_close) close = true;
    // The head is seen before the first event.
    if (!channel.write(reply_head(reply, length, close)) || !channel.flush()) return false;
    channel.begin_stream();
    BodyWriter writer(channel, length);
    try {
      reply.stream(writer);
    } catch (...) {
      return false;  // without a last chunk
    }
    return writer.finish();
  }

  Exchange& exchange;
  Channel& channel;
  const std::atomic<bool>& last;
  std::atomic<std::int64_t>& reading_since_ms;
  wire::RequestParser parser;
  Request request;
  std::optional<Reply> refused;  // of a request that was understood
  bool close = false;            // after this reply
  bool unread = false;           // the peer may still be sending
};

bool Exchange::serve(Channel& channel, const std::atomic<bool>& last,
                     std::atomic<std::int64_t>& reading_since_ms) {
  channel.begin_request(options_.idle_ms);
  try {
    return Turn(*this, channel, last, reading_since_ms).serve();
  } catch (...) {  // out of memory: this connection ends, the others do not
    return false;
  }
}

}  // namespace mimas::http
