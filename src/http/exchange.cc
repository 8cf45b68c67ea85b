#include "http/exchange.h"

#include <httplib.h>
#include <charconv>
#include <exception>
#include <optional>

#include "http/refusal.h"
#include "http/target.h"

namespace mimas::http {
namespace {

// cpp-httplib's view of a Channel.
class ChannelStream final : public httplib::Stream {
 public:
  explicit ChannelStream(Channel& channel) : channel_(channel) {}
  bool is_readable() const override { return true; }
  bool is_writable() const override { return channel_.peer_alive(); }
  ssize_t read(char* into, std::size_t size) override { return channel_.read(into, size); }
  ssize_t write(const char* bytes, std::size_t size) override {
    return channel_.write({bytes, size}) ? static_cast<ssize_t>(size) : -1;
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = channel_.remote();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return channel_.fd(); }

 private:
  Channel& channel_;
};

class SinkWriter final : public StreamWriter {
 public:
  SinkWriter(Channel& channel, httplib::DataSink& sink, bool& cut, std::optional<std::int64_t> most)
      : channel_(channel), sink_(sink), cut_(cut), most_(most) {}

  bool write(std::string_view bytes) override {
    if (channel_.stopping()) return false;
    if (bytes.empty()) return peer_alive();  // an empty chunk would end the reply
    written_ += static_cast<std::int64_t>(bytes.size());
    if (most_ && written_ > *most_) return false;  // past the announced length another reply begins
    return sink_.write(bytes.data(), bytes.size()) && channel_.flush();
  }
  bool peer_alive() override { return !channel_.stopping() && channel_.peer_alive(); }
  void cut() override { cut_ = true; }
  bool all_written() const { return !most_ || written_ == *most_; }

 private:
  Channel& channel_;
  httplib::DataSink& sink_;
  bool& cut_;
  std::optional<std::int64_t> most_;
  std::int64_t written_ = 0;
};

// A place among the streams, given back when the last copy of the reply is gone.
class StreamPlace {
 public:
  explicit StreamPlace(std::atomic<int>& open) : open_(open) {}
  ~StreamPlace() { open_.fetch_sub(1); }
  StreamPlace(const StreamPlace&) = delete;
  StreamPlace& operator=(const StreamPlace&) = delete;

 private:
  std::atomic<int>& open_;
};

bool takes_body(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

bool is_framing(std::string_view name) {
  for (const char* own : {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive"}) {
    if (wire::equals_ignoring_case(name, own)) return true;
  }
  return false;
}

// True when the comma-separated list names the token: "keep-alive, Close" names "close".
bool names_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (wire::equals_ignoring_case(item, token)) return true;
  }
  return false;
}

}  // namespace

struct Exchange::Impl : public httplib::Server {
  Impl(const http::Options& options, const http::Handler& handler, std::atomic<int>& streams_open)
      : options_(options), handler_(handler), streams_open_(streams_open) {
    svr_sock_ = 0;  // any valid number: INVALID_SOCKET would mean "shutting down" to content providers
    install();
  }
  ~Impl() override { svr_sock_ = INVALID_SOCKET; }

  bool serve(Channel& channel, const std::atomic<bool>& last, std::atomic<std::int64_t>& reading_since_ms) {
    channel_ = &channel;
    last_ = &last;
    reading_since_ms_ = &reading_since_ms;
    request_.reset();
    refusal_.reset();
    answered_ = close_ = unread_ = cut_ = ranges_ = false;
    channel.begin_request(options_.idle_ms, kHeadBytesMax);

    ChannelStream stream(channel);
    bool closed = false;
    bool good = false;
    try {
      good = process_request(stream, false, closed, [this](httplib::Request& parsed) { take_head(parsed); });
    } catch (...) {  // out of memory, or a fault of the library: this connection ends, the others do not
    }
    if (channel.written() == 0 && channel.failure() == Channel::Failure::over_budget) {
      channel.write(whole_refusal(431, refusal_detail(431)));
      unread_ = true;
    }
    good = channel.flush() && good && !closed && !close_ && !cut_;
    if (unread_) channel.linger();
    return good;
  }

 private:
  struct Refusal {
    int status;
    std::string detail;
  };

  void install() {
    set_pre_routing_handler([this](const httplib::Request&, httplib::Response& out) {
      if (refusal_) {
        refuse(refusal_->status, refusal_->detail, out);
      } else if (expects_body_) {
        return HandlerResponse::Unhandled;  // comes back through a content reader
      } else {
        answer(out);
      }
      return HandlerResponse::Handled;
    });
    const HandlerWithContentReader with_body = [this](const httplib::Request&, httplib::Response& out,
                                                      const httplib::ContentReader& reader) {
      if (read_body(out, reader)) answer(out);
    };
    // Every path reads "/" by now, see take_head().
    Post("/", with_body).Put("/", with_body).Patch("/", with_body).Delete("/", with_body);
    set_expect_100_continue_handler([this](const httplib::Request&, httplib::Response& out) {
      if (refusal_) out.status = refusal_->status;
      return refusal_ ? refusal_->status : 100;
    });
    set_error_handler(HandlerWithResponse([this](const httplib::Request&, httplib::Response& out) {
      if (answered_) return HandlerResponse::Unhandled;
      refuse_for_library(out);
      return HandlerResponse::Handled;
    }));
    set_exception_handler([this](const httplib::Request&, httplib::Response& out, std::exception_ptr) {
      refuse(500, refusal_detail(500), out);
    });
    set_post_routing_handler([this](const httplib::Request&, httplib::Response& out) { finish_head(out); });
  }

  // Called when the head has been parsed: copies it into our request, decides on the body, and leaves
  // cpp-httplib a request without the headers that switch features on.
  void take_head(httplib::Request& parsed) {
    request_.emplace();
    request_->method = parsed.method;
    request_->remote = channel_->remote();
    request_->secure = options_.security != nullptr;
    request_->certificate = channel_->peer_name();
    for (const char* invented : {"REMOTE_ADDR", "REMOTE_PORT", "LOCAL_ADDR", "LOCAL_PORT"}) {
      parsed.headers.erase(invented);
    }
    for (const auto& [name, value] : parsed.headers) request_->headers.push_back({name, value});
    for (const auto& [name, value] : parsed.headers) {
      if (wire::equals_ignoring_case(name, "Connection") && names_token(value, "close")) close_ = true;
    }
    if (parsed.version == "HTTP/1.0") close_ = true;

    Result<Target> target = parse_target(parsed.target);
    if (target) {
      request_->path = std::move(target->path);
      request_->query = std::move(target->query);
    } else {
      refusal_ = Refusal{400, target.error().message};
    }
    take_framing(parsed);
    channel_->begin_body(8 * options_.body_bytes_max +
                         kHeadBytesMax);  // raw: chunk framing costs up to 6 : 1

    parsed.path = "/";
    parsed.params.clear();
    parsed.ranges.clear();
    for (const char* feature : {"Accept-Encoding", "Content-Type", "Content-Encoding", "Range"}) {
      parsed.headers.erase(feature);
    }
  }

  // RFC 9112 §6: Content-Length or chunked, never both, never a guess.
  void take_framing(httplib::Request& parsed) {
    const auto encodings = parsed.headers.equal_range("Transfer-Encoding");
    const auto lengths = parsed.headers.equal_range("Content-Length");
    const bool chunked = encodings.first != encodings.second;
    std::uint64_t length = 0;
    expects_body_ = chunked;
    if (chunked) {
      if (!wire::equals_ignoring_case(encodings.first->second, "chunked") ||
          std::next(encodings.first) != encodings.second) {
        refusal_ = Refusal{501, std::string(refusal_detail(501))};
      } else if (lengths.first != lengths.second) {
        refusal_ = Refusal{400, "both Content-Length and Transfer-Encoding are given"};
      }
    } else if (lengths.first != lengths.second) {
      const std::string& text = lengths.first->second;
      const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), length);
      if (fault != std::errc{} || end != text.data() + text.size() ||
          std::next(lengths.first) != lengths.second) {
        refusal_ = Refusal{400, "Content-Length is not one number"};
        length = 1;  // unknown, so not zero
      } else if (length > options_.body_bytes_max) {
        refusal_ = Refusal{413, std::string(refusal_detail(413))};
      }
      expects_body_ = length > 0;
    }
    if (!takes_body(parsed.method) || (chunked && parsed.method == "DELETE")) {
      // cpp-httplib would not read it: answer without, then close rather than take it for the next request.
      if (expects_body_) close_ = unread_ = true;
      expects_body_ = false;
    }
    if (expects_body_) {
      const auto encoding = parsed.headers.find("Content-Encoding");
      if (encoding != parsed.headers.end() && !wire::equals_ignoring_case(encoding->second, "identity")) {
        refusal_ = Refusal{415, std::string(refusal_detail(415))};
      }
    }
    if (refusal_ && expects_body_) close_ = unread_ = true;
  }

  bool read_body(httplib::Response& out, const httplib::ContentReader& reader) {
    bool too_large = false;
    const bool complete = reader([&](const char* bytes, std::size_t count) {
      too_large = request_->body.size() + count > options_.body_bytes_max;
      if (!too_large) request_->body.append(bytes, count);
      return !too_large;
    });
    if (complete) return true;
    close_ = unread_ = true;
    int status = 400;
    if (too_large || channel_->failure() == Channel::Failure::over_budget) status = 413;
    if (channel_->failure() == Channel::Failure::timed_out) status = 408;
    refuse(status, status == 400 ? "the request body is cut short or badly framed" : refusal_detail(status),
           out);
    return false;
  }

  void answer(httplib::Response& out) {
    reading_since_ms_->store(0);
    Reply reply;
    try {
      reply = handler_(*request_);
    } catch (...) {
      return refuse(500, refusal_detail(500), out);
    }
    if (reply.status < 200 || reply.status > 599) return refuse(500, refusal_detail(500), out);
    if (reply.stream && streams_open_.fetch_add(1) >= options_.streams_max) {
      streams_open_.fetch_sub(1);
      refuse(503, "too many streams are open, try again soon", out);
      out.set_header("Retry-After", "1");
      return;
    }
    answered_ = true;
    out.status = reply.status;
    if (reply.lost) {
      close_ = true;
      channel_->discard();
    }
    for (const wire::Header& header : reply.headers) {
      if (wire::equals_ignoring_case(header.name, "Connection") && names_token(header.value, "close")) {
        close_ = true;
      }
      if (wire::equals_ignoring_case(header.name, "Accept-Ranges")) ranges_ = true;
      if (!is_framing(header.name)) out.set_header(header.name, header.value);  // drops CR and LF
    }
    if (reply.stream) return start_stream(std::move(reply), out);
    out.body = std::move(reply.body);
    if (!out.body.empty() && !out.has_header("Content-Type"))
      out.set_header("Content-Type", reply.content_type);
  }

  void start_stream(Reply reply, httplib::Response& out) {
    if (reply.stream_bytes && *reply.stream_bytes <= 0) {
      if (!out.has_header("Content-Type")) out.set_header("Content-Type", reply.content_type);
      streams_open_.fetch_sub(1);
      return;  // an empty body, Content-Length: 0
    }
    const auto place = std::make_shared<StreamPlace>(streams_open_);
    const auto stream = std::make_shared<std::function<void(StreamWriter&)>>(std::move(reply.stream));
    if (const auto bytes = reply.stream_bytes) {
      out.set_content_provider(
          static_cast<std::size_t>(*bytes), reply.content_type,
          [this, place, stream, bytes](std::size_t, std::size_t, httplib::DataSink& sink) {
            return run_stream(*stream, sink, bytes);
          });
      return;
    }
    out.set_chunked_content_provider(reply.content_type,
                                     [this, place, stream](std::size_t, httplib::DataSink& sink) {
                                       return run_stream(*stream, sink, std::nullopt);
                                     });
  }

  bool run_stream(const std::function<void(StreamWriter&)>& stream, httplib::DataSink& sink,
                  std::optional<std::int64_t> bytes) {
    if (!channel_->flush()) return false;  // the head is seen before the first event
    channel_->begin_stream();
    SinkWriter writer(*channel_, sink, cut_, bytes);
    try {
      stream(writer);
    } catch (...) {
      cut_ = true;  // no last chunk: the peer must not take this for the orderly end
      return false;
    }
    if (cut_ || !writer.all_written()) {
      cut_ = true;
      return false;
    }
    if (!bytes) sink.done();  // the last chunk
    return true;
  }

  void refuse(int status, std::string_view detail, httplib::Response& out) {
    answered_ = true;
    out.status = status;
    out.headers.clear();
    out.body = problem_body(status, detail);
    out.set_header("Content-Type", std::string(kProblemType));
  }

  // A 4xx that cpp-httplib made itself: the head was not understood, so what follows on this connection is
  // not either.
  void refuse_for_library(httplib::Response& out) {
    close_ = unread_ = true;
    if (refusal_) return refuse(refusal_->status, refusal_->detail, out);
    int status = out.status;
    if (channel_->failure() == Channel::Failure::over_budget) status = request_ ? 413 : 431;
    if (channel_->failure() == Channel::Failure::timed_out) status = 408;
    refuse(status, refusal_detail(status), out);
  }

  void finish_head(httplib::Response& out) {
    out.headers.erase("Keep-Alive");
    if (!ranges_) out.headers.erase("Accept-Ranges");  // the library's own, at HEAD
    if (out.status == 204 || out.status == 304) out.headers.erase("Content-Length");  // RFC 9110 §8.6
    if (last_->load() || channel_->stopping()) close_ = true;
    if (close_) {
      out.headers.erase("Connection");
      out.set_header("Connection", "close");
    }
  }

  const http::Options& options_;
  const http::Handler& handler_;
  std::atomic<int>& streams_open_;

  // Of the request being served.
  Channel* channel_ = nullptr;
  const std::atomic<bool>* last_ = nullptr;
  std::atomic<std::int64_t>* reading_since_ms_ = nullptr;
  std::optional<http::Request> request_;  // set once the head was understood
  std::optional<Refusal> refusal_;
  bool expects_body_ = false;
  bool answered_ = false;  // the reply is complete as it is
  bool close_ = false;     // after this reply
  bool unread_ = false;    // the peer may still be sending
  bool cut_ = false;
  bool ranges_ = false;  // the handler speaks of ranges itself
};

Exchange::Exchange(const Options& options, const Handler& handler, std::atomic<int>& streams_open)
    : impl_(std::make_unique<Impl>(options, handler, streams_open)) {}
Exchange::~Exchange() = default;

bool Exchange::serve(Channel& channel, const std::atomic<bool>& last,
                     std::atomic<std::int64_t>& reading_since_ms) {
  return impl_->serve(channel, last, reading_since_ms);
}

}  // namespace mimas::http
