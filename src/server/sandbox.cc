#include "server/sandbox.h"

#include <algorithm>
#include <utility>

#include "mesos/v1/agent.pb.h"
#include "net/http_client.h"
#include "v1/codec.h"

namespace mimas::server {
namespace {

constexpr std::int64_t kPieceBytesMax = 64 << 10;
constexpr net::Timeouts kTimeouts{.connect_ms = 2'000, .response_ms = 5'000};

}  // namespace

Sandbox::Sandbox(wire::Endpoint agent, FrameworkId framework, TaskId task)
    : agent_(std::move(agent)), framework_(std::move(framework)), task_(std::move(task)) {}

Result<FilePiece> Sandbox::read(std::string_view file, std::int64_t offset, std::int64_t length) const {
  ::mesos::v1::agent::Call call;
  call.set_type(::mesos::v1::agent::Call::READ_FILE);
  call.mutable_read_file()->set_path("/frameworks/" + framework_.value + "/executors/" + task_.value +
                                     "/runs/latest/" + std::string(file));
  call.mutable_read_file()->set_offset(static_cast<std::uint64_t>(offset));
  call.mutable_read_file()->set_length(
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(length, 0, kPieceBytesMax)));

  wire::Request request;
  request.method = "POST";
  request.target = "/api/v1";
  request.headers = {{"Content-Type", std::string(v1::media_type_text(v1::MediaType::protobuf))},
                     {"Accept", std::string(v1::media_type_text(v1::MediaType::protobuf))},
                     {"Connection", "close"}};
  request.body = v1::encode(call, v1::MediaType::protobuf);
  net::HttpClient client(agent_, kTimeouts, &net::resolve_by_name);
  auto response = client.exchange(std::move(request), true);
  if (!response.ok()) {
    return make_error(Code::unavailable, "the task's agent does not answer: " + response.error().message,
                      agent_.text(), "its log can be read again when the agent is back");
  }
  if (response->head.status == 404) {
    return make_error(Code::not_found, "the sandbox holds no such file (yet, or any more)",
                      std::string(file));
  }
  if (response->head.status != 200) {
    return make_error(
        Code::protocol,
        "the agent answered " + std::to_string(response->head.status) + ": " + response->body.substr(0, 200),
        agent_.text());
  }
  ::mesos::v1::agent::Response answer;
  if (Status decoded = v1::decode(response->body, v1::MediaType::protobuf, &answer); !decoded.ok()) {
    return make_error(Code::protocol, "the agent's answer cannot be read: " + decoded.error().message,
                      agent_.text());
  }
  return FilePiece{answer.read_file().data(), static_cast<std::int64_t>(answer.read_file().size())};
}

Status check_file_name(std::string_view name) {
  const bool plain = !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
                     std::none_of(name.begin(), name.end(), [](unsigned char c) {
                       return c < 0x20 || c == 0x7f || c == '/' || c == '\\';
                     });
  if (plain) return Done{};
  return make_error(Code::invalid_argument, "is not a plain file name", "file", "ask for stdout or stderr");
}

}  // namespace mimas::server
