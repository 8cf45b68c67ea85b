#include "server/sandbox_link.h"

#include <algorithm>
#include <utility>

#include "json/value.h"
#include "mesos/v1/agent.pb.h"
#include "v1/codec.h"

namespace mimas::server {
namespace {

using ::mesos::v1::agent::Call;
using ::mesos::v1::agent::Response;

constexpr std::uint32_t kKindMask = 0170000;  // of st_mode, as Mesos sends it
constexpr std::uint32_t kPlainFile = 0100000;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
}

std::string last_component(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

Error not_there() { return make_error(Code::not_found, "the sandbox holds no such file (yet, or any more)"); }

Result<Response> decoded(const std::string& body) {
  Response answer;
  if (Status good = v1::decode(body, v1::MediaType::protobuf, &answer); !good.ok())
    return make_error(Code::protocol, "the agent's answer cannot be read: " + good.error().message);
  return answer;
}

// A piece as /files/read tells it: `{"data":"…","offset":N}`; nothing if bytes may have been lost in the
// text.
std::optional<std::string> ascii_data(const std::string& body) {
  if (!is_ascii(body)) return std::nullopt;
  const auto document = json::parse(body);
  if (!document.ok()) return std::nullopt;
  const auto data = document->root().find("data");
  if (!data || !data->is_string()) return std::nullopt;
  const std::string_view text = *data->string();
  return is_ascii(text) ? std::optional<std::string>(text) : std::nullopt;
}

}  // namespace

std::string_view AgentAccess::authorization_for(const wire::Endpoint& agent) const {
  const bool known = std::ranges::any_of(hosts, [&](const wire::Endpoint& host) {
    return host.port == agent.port && wire::equals_ignoring_case(host.host, agent.host);
  });
  return known ? std::string_view(authorization) : std::string_view();
}

SandboxLink::SandboxLink(wire::Endpoint agent, const AgentAccess& access)
    : agent_(std::move(agent)), authorization_(access.authorization_for(agent_)) {}

wire::Request SandboxLink::get(std::string target) const {
  wire::Request request;
  request.target = std::move(target);
  request.headers = {{"Connection", "close"}};
  if (!authorization_.empty()) request.headers.push_back({"Authorization", authorization_});
  return request;
}

Error SandboxLink::away(const Error& why) const {
  return make_error(Code::unavailable, "the task's agent does not answer: " + why.message, agent_.text(),
                    "its log can be read again when the agent is back");
}

Error SandboxLink::refused(const Answer& answer) const {
  if (answer.status == 404) return not_there();
  const bool closed = answer.status == 401 || answer.status == 403;
  return make_error(
      Code::protocol,
      "the agent answered " + std::to_string(answer.status) + ": " + answer.body.substr(0, 200),
      agent_.text(),
      closed ? "start the server with --credentials and name the agent in --credentials-hosts" : "");
}

Result<SandboxLink::Answer> SandboxLink::exchange(wire::Request request) {
  net::HttpClient client(agent_, kSandboxTimeouts, &net::resolve_by_name);
  auto response = client.exchange(std::move(request), true);
  if (!response.ok()) return away(response.error());
  return Answer{response->head.status, std::move(response->body)};
}

Result<SandboxLink::Answer> SandboxLink::operate(std::string body) {
  wire::Request request = get("/api/v1");
  request.method = "POST";
  const std::string type(v1::media_type_text(v1::MediaType::protobuf));
  request.headers.push_back({"Content-Type", type});
  request.headers.push_back({"Accept", type});
  request.body = std::move(body);
  return exchange(std::move(request));
}

bool SandboxLink::try_files(int status) {
  const bool for_good = status == 401 || status == 403 || status == 405 || status == 415 || status == 501;
  if (for_good) way_ = Way::files;
  // Once the operator API has shown a file, its 404 means what it says.
  return for_good || (status == 404 && way_ == Way::unknown);
}

Result<FilePiece> SandboxLink::read(const std::string& path, std::int64_t offset, std::int64_t length) {
  length = std::clamp<std::int64_t>(length, 0, kPieceBytesMax);
  if (way_ == Way::files) return read_by_files(path, offset, length);
  Call call;
  call.set_type(Call::READ_FILE);
  call.mutable_read_file()->set_path(path);
  call.mutable_read_file()->set_offset(static_cast<std::uint64_t>(offset));
  call.mutable_read_file()->set_length(static_cast<std::uint64_t>(length));
  const auto answer = operate(v1::encode(call, v1::MediaType::protobuf));
  if (!answer.ok()) return answer.error();
  if (answer->status != 200) {
    if (try_files(answer->status)) return read_by_files(path, offset, length);
    return refused(*answer);
  }
  way_ = Way::operate;
  const auto response = decoded(answer->body);
  if (!response.ok()) return response.error();
  return FilePiece{response->read_file().data(), static_cast<std::int64_t>(response->read_file().size())};
}

Result<std::vector<SandboxFile>> SandboxLink::list(const std::string& path) {
  if (way_ == Way::files) return list_by_files(path);
  Call call;
  call.set_type(Call::LIST_FILES);
  call.mutable_list_files()->set_path(path);
  const auto answer = operate(v1::encode(call, v1::MediaType::protobuf));
  if (!answer.ok()) return answer.error();
  if (answer->status != 200) {
    if (try_files(answer->status)) return list_by_files(path);
    return refused(*answer);
  }
  way_ = Way::operate;
  const auto response = decoded(answer->body);
  if (!response.ok()) return response.error();
  std::vector<SandboxFile> files;
  for (const auto& file : response->list_files().file_infos()) {
    files.push_back({last_component(file.path()), static_cast<std::int64_t>(file.size()),
                     (file.mode() & kKindMask) == kPlainFile});
  }
  return files;
}

Result<std::int64_t> SandboxLink::size_by_files(const std::string& path) {
  const auto answer = exchange(get("/files/read?path=" + wire::percent_encode(path) + "&offset=-1"));
  if (!answer.ok()) return answer.error();
  if (answer->status != 200) return refused(*answer);
  const auto document = json::parse(answer->body);
  const std::int64_t size = document.ok() ? document->root().int64_or("offset", -1) : -1;
  if (size < 0) return make_error(Code::protocol, "the agent's /files/read tells no size", agent_.text());
  return size;
}

Result<FilePiece> SandboxLink::read_by_files(const std::string& path, std::int64_t offset,
                                             std::int64_t length) {
  const auto size = size_by_files(path);
  if (!size.ok()) return size.error();
  way_ = Way::files;  // it works
  length = std::min(length, *size - offset);
  if (length <= 0) return FilePiece{{}, *size};
  const bool goes_on = download_ && download_->path == path && download_->offset == offset;
  if (!goes_on) {
    const auto answer =
        exchange(get("/files/read?path=" + wire::percent_encode(path) + "&offset=" + std::to_string(offset) +
                     "&length=" + std::to_string(length)));
    if (!answer.ok()) return answer.error();
    if (answer->status != 200) return refused(*answer);
    if (auto data = ascii_data(answer->body); data && !data->empty())
      return FilePiece{std::move(*data), *size};
  }
  auto bytes = download(path, offset, length);
  if (!bytes.ok()) return bytes.error();
  return FilePiece{std::move(*bytes), *size};
}

// Up to `length` bytes from `offset` on, of the download that is open there or of a new one.
Result<std::string> SandboxLink::download(const std::string& path, std::int64_t offset, std::int64_t length) {
  const bool goes_on = download_ && download_->path == path && download_->offset == offset;
  if (!goes_on) {
    if (offset > kSkippedBytesMax) {
      return make_error(Code::unsupported,
                        "the agent refuses READ_FILE, and through /files/download this is too far from the "
                        "file's beginning",
                        agent_.text(), "let the agent allow READ_FILE");
    }
    download_.emplace(
        Download{path, 0, {}, net::HttpClient(agent_, kSandboxTimeouts, &net::resolve_by_name)});
    const auto head =
        download_->client.open_stream(get("/files/download?path=" + wire::percent_encode(path)));
    if (!head.ok() || head->status != 200) {
      download_.reset();
      return head.ok() ? refused({head->status, {}}) : away(head.error());
    }
  }
  Download& open = *download_;
  while (!open.over && open.offset + static_cast<std::int64_t>(open.pending.size()) < offset + length) {
    const auto more = open.client.read_stream(open.pending, kSandboxTimeouts.response_ms);
    if (!more.ok()) {
      Error why = away(more.error());
      download_.reset();
      return why;
    }
    open.over = !*more;
    const auto passed = std::min<std::int64_t>(static_cast<std::int64_t>(open.pending.size()),
                                               std::max<std::int64_t>(0, offset - open.offset));
    open.pending.erase(0, static_cast<std::size_t>(passed));
    open.offset += passed;
  }
  std::string bytes;
  if (open.offset == offset) {
    bytes = open.pending.substr(0, static_cast<std::size_t>(length));
    open.pending.erase(0, bytes.size());
    open.offset += static_cast<std::int64_t>(bytes.size());
  }
  if (open.over && open.pending.empty()) download_.reset();
  // It was opened when the file was shorter.
  if (bytes.empty() && goes_on) return download(path, offset, length);
  return bytes;
}

Result<std::vector<SandboxFile>> SandboxLink::list_by_files(const std::string& path) {
  const auto answer = exchange(get("/files/browse?path=" + wire::percent_encode(path)));
  if (!answer.ok()) return answer.error();
  if (answer->status != 200) return refused(*answer);
  const auto document = json::parse(answer->body, {.bytes_max = kListBytesMax, .replace_bad_utf8 = true});
  if (!document.ok() || !document->root().is_array())
    return make_error(Code::protocol, "the agent's /files/browse is not a list", agent_.text());
  way_ = Way::files;
  std::vector<SandboxFile> files;
  for (std::size_t i = 0; i < document->root().size(); ++i) {
    const json::Value file = document->root().at(i);
    files.push_back({last_component(file.string_or("path", "")), file.int64_or("size", 0),
                     file.string_or("mode", "").starts_with("-")});
  }
  return files;
}

}  // namespace mimas::server
