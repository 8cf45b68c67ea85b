// What the HTTP faces of master and agent have in common: Mesos's plain-text refusals, media types, and the
// checks every v1 call passes before a model sees it (mesos-protocol §1.2, §1.3). Pure functions,
// thread-safe. Tested in tests/pocket/golden_test.cc, against transcripts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/listener.h"
#include "pocket/stream.h"
#include "v1/codec.h"

namespace google::protobuf {
class Message;
}

namespace mimas::pocket {

http::Reply plain(int status, std::string text);  // text/plain; charset=utf-8, as Mesos writes errors
http::Reply accepted();                           // 202 with nothing
http::Reply json_reply(std::string body);
http::Reply not_found();
// 405 with Allow, when the method is not the wanted one.
std::optional<http::Reply> refuse_method(const http::Request& request, std::string_view wanted);

// Media type of the body: an error reply (400, 415) or the type.
struct Decoded {
  std::optional<http::Reply> refusal;
  v1::MediaType type = v1::MediaType::json;
};
Decoded decode_body(const http::Request& request, google::protobuf::Message* into);

// What the answer should be in, by the Accept header; nullopt: nothing we have is acceptable.
std::optional<v1::MediaType> negotiate(std::string_view accept);
http::Reply not_acceptable();

// A streamed reply. `ended` is called exactly once, when the stream is over for whatever reason, also when it
// never started.
http::Reply stream_reply(std::shared_ptr<EventStream> stream, v1::MediaType type, std::int64_t check_ms,
                         std::function<void()> ended);

}  // namespace mimas::pocket
