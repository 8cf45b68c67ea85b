#include "pocket/face.h"

#include <charconv>
#include <utility>

namespace mimas::pocket {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "0", "0.0", "0.000" refuse; everything else, also nonsense, counts as willing.
bool refused_by_weight(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    std::string_view one = trim(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (!one.starts_with("q=") && !one.starts_with("Q=")) continue;
    one.remove_prefix(2);
    return !one.empty() && one.find_first_not_of("0.") == std::string_view::npos;
  }
  return false;
}

// How an Accept header speaks of a type: the most exact range wins. nullopt: not at all.
bool accepts(std::string_view header, std::string_view type) {
  const std::string_view major = type.substr(0, type.find('/'));
  int best = 0;
  bool willing = false;
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(','), header.size());
    const std::string_view range = trim(header.substr(0, end));
    header.remove_prefix(std::min(end + 1, header.size()));
    const std::size_t semicolon = std::min(range.find(';'), range.size());
    const std::string_view name = trim(range.substr(0, semicolon));
    const std::string_view rest = range.substr(std::min(semicolon + 1, range.size()));
    int exactness = 0;
    if (name == "*/*") exactness = 1;
    if (name.size() == major.size() + 2 && name.starts_with(major) && name.ends_with("/*")) exactness = 2;
    if (wire::equals_ignoring_case(name, type)) exactness = 3;
    if (exactness <= best) continue;
    best = exactness;
    willing = !refused_by_weight(rest);
  }
  return willing;
}

// Calls back when the last owner lets go: the reply may be dropped before its stream ever runs.
struct EndNotice {
  explicit EndNotice(std::function<void()> then) : ended(std::move(then)) {}
  ~EndNotice() { ended(); }
  EndNotice(const EndNotice&) = delete;
  EndNotice& operator=(const EndNotice&) = delete;
  std::function<void()> ended;
};

}  // namespace

http::Reply plain(int status, std::string text) {
  http::Reply reply;
  reply.status = status;
  reply.content_type = text.empty() ? "" : "text/plain; charset=utf-8";
  reply.body = std::move(text);
  return reply;
}

http::Reply accepted() { return plain(202, ""); }

http::Reply json_reply(std::string body) {
  http::Reply reply;
  reply.body = std::move(body);
  return reply;
}

http::Reply not_found() { return plain(404, "404 Not Found."); }

std::optional<http::Reply> refuse_method(const http::Request& request, std::string_view wanted) {
  if (request.method == wanted) return std::nullopt;
  http::Reply reply = plain(405, "405 Method Not Allowed. Expecting one of { '" + std::string(wanted) +
                                     "' }, but received '" + request.method + "'.");
  reply.headers.push_back({"Allow", std::string(wanted)});
  return reply;
}

Decoded decode_body(const http::Request& request, google::protobuf::Message* into) {
  Decoded decoded;
  const std::string_view type = request.header("Content-Type");
  if (type.empty()) {
    decoded.refusal = plain(400, "Expecting 'Content-Type' to be present");
    return decoded;
  }
  if (type == v1::media_type_text(v1::MediaType::protobuf)) {
    decoded.type = v1::MediaType::protobuf;
  } else if (type != v1::media_type_text(v1::MediaType::json)) {
    decoded.refusal = plain(415, "Expecting 'Content-Type' of application/json or application/x-protobuf");
    return decoded;
  }
  if (const Status status = v1::decode(request.body, decoded.type, into); !status)
    decoded.refusal = plain(400, v1::refusal_text(status.error()));
  return decoded;
}

std::optional<v1::MediaType> negotiate(std::string_view accept) {
  if (accept.empty()) return v1::MediaType::json;
  for (const v1::MediaType type : {v1::MediaType::json, v1::MediaType::protobuf})
    if (accepts(accept, v1::media_type_text(type))) return type;
  return std::nullopt;
}

http::Reply not_acceptable() {
  return plain(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'");
}

http::Reply stream_reply(std::shared_ptr<EventStream> stream, v1::MediaType type, std::int64_t check_ms,
                         std::function<void()> ended) {
  auto notice = std::make_shared<EndNotice>(std::move(ended));
  http::Reply reply;
  reply.content_type = std::string(v1::media_type_text(type));
  reply.stream = [stream = std::move(stream), notice = std::move(notice),
                  check_ms](http::StreamWriter& writer) { stream->run(writer, check_ms); };
  return reply;
}

}  // namespace mimas::pocket
