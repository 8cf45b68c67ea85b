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

using ::mesos::v1::agent::Call;
using ::mesos::v1::agent::Response;

Result<Response> ask(const wire::Endpoint& agent, const Call& call, std::string_view what) {
  wire::Request request;
  request.method = "POST";
  request.target = "/api/v1";
  request.headers = {{"Content-Type", std::string(v1::media_type_text(v1::MediaType::protobuf))},
                     {"Accept", std::string(v1::media_type_text(v1::MediaType::protobuf))},
                     {"Connection", "close"}};
  request.body = v1::encode(call, v1::MediaType::protobuf);
  net::HttpClient client(agent, kTimeouts, &net::resolve_by_name);
  auto response = client.exchange(std::move(request), true);
  if (!response.ok()) {
    return make_error(Code::unavailable, "the task's agent does not answer: " + response.error().message,
                      agent.text(), "its log can be read again when the agent is back");
  }
  if (response->head.status == 404) {
    return make_error(Code::not_found, "the sandbox holds no such file (yet, or any more)",
                      std::string(what));
  }
  if (response->head.status != 200) {
    return make_error(
        Code::protocol,
        "the agent answered " + std::to_string(response->head.status) + ": " + response->body.substr(0, 200),
        agent.text());
  }
  Response answer;
  if (Status decoded = v1::decode(response->body, v1::MediaType::protobuf, &answer); !decoded.ok()) {
    return make_error(Code::protocol, "the agent's answer cannot be read: " + decoded.error().message,
                      agent.text());
  }
  return answer;
}

}  // namespace

Sandbox::Sandbox(wire::Endpoint agent, FrameworkId framework, TaskId task, std::string executor)
    : agent_(std::move(agent)) {
  const bool own = executor.empty() || executor == task.value;
  folder_ =
      "/frameworks/" + framework.value + "/executors/" + (own ? task.value : executor) + "/runs/latest/";
  if (!own) folder_ += "tasks/" + task.value + "/";
}

Result<FilePiece> Sandbox::read(std::string_view file, std::int64_t offset, std::int64_t length) const {
  Call call;
  call.set_type(Call::READ_FILE);
  call.mutable_read_file()->set_path(folder_ + std::string(file));
  call.mutable_read_file()->set_offset(static_cast<std::uint64_t>(offset));
  call.mutable_read_file()->set_length(
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(length, 0, kPieceBytesMax)));
  const auto answer = ask(agent_, call, file);
  if (!answer.ok()) return answer.error();
  return FilePiece{answer->read_file().data(), static_cast<std::int64_t>(answer->read_file().size())};
}

Result<std::vector<std::string>> Sandbox::names() const {
  Call call;
  call.set_type(Call::LIST_FILES);
  call.mutable_list_files()->set_path(folder_.substr(0, folder_.size() - 1));
  const auto answer = ask(agent_, call, "the sandbox");
  if (!answer.ok()) return answer.error();
  std::vector<std::string> names;
  for (const auto& file : answer->list_files().file_infos()) {
    names.push_back(file.path().substr(file.path().rfind('/') + 1));
  }
  return names;
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
