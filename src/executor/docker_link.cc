#include "executor/docker_link.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace mimas::executor {
namespace {

constexpr std::int64_t kConnectMs = 500;
constexpr int kReadsPerPump = 8;

}  // namespace

Result<DockerPlace> parse_docker_place(std::string_view text) {
  DockerPlace out;
  if (text.starts_with("unix://")) text.remove_prefix(7);
  if (text.starts_with("/")) {
    out.path = text;
    return out;
  }
  if (!text.starts_with("tcp://"))
    return make_error(Code::invalid_argument, "'" + std::string(text) + "' is not where Docker may listen",
                      "--docker", "write unix:///path or tcp://address:port");
  text.remove_prefix(6);
  auto endpoint = wire::parse_endpoint(text, 2375);
  if (!endpoint.ok()) return endpoint.error();
  out.address = std::move(endpoint).value();
  return out;
}

DockerCall::DockerCall(const DockerPlace& place, std::string request, std::int64_t patience_ms, bool endless,
                       Instant now)
    : out_(std::move(request)), patience_ms_(patience_ms), deadline_(now + patience_ms), endless_(endless) {
  const auto opened =
      place.local() ? socket_.open_unix(place.path, kConnectMs) : socket_.open_tcp(place.address, kConnectMs);
  if (!opened.ok()) fail(opened.error().text());
}

void DockerCall::fail(std::string why) {
  failure_ = std::move(why);
  over_ = true;
  socket_.close();
}

int DockerCall::status() const { return parser_.head_complete() ? parser_.head().status : 0; }

void DockerCall::add_to(std::vector<pollfd>& polled) const {
  if (!socket_.open()) return;
  const bool unsent = sent_ < out_.size();
  const auto events = static_cast<short>((unsent ? POLLOUT : 0) | (paused_ ? 0 : POLLIN));
  if (events != 0) polled.push_back({socket_.fd(), events, 0});  // without any, a hang-up would spin
}

Instant DockerCall::wake_at() const { return over_ || paused_ ? kNever : deadline_; }

void DockerCall::pump(Instant now) {
  if (over_) return;
  send();
  if (!over_ && !paused_) receive(now);
  if (!over_ && !paused_ && deadline_ <= now) fail("no answer from Docker in time");
}

void DockerCall::send() {
  while (sent_ < out_.size()) {
    const ssize_t wrote =
        ::send(socket_.fd(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (wrote < 0) return fail(std::string("cannot send to Docker: ") + std::strerror(errno));
    sent_ += static_cast<std::size_t>(wrote);
  }
  if (!out_.empty()) {
    std::string().swap(out_);
    sent_ = 0;
  }
}

void DockerCall::receive(Instant now) {
  char buffer[32'768];
  for (int i = 0; i < kReadsPerPump && body_.size() < kDockerAnswerMax; ++i) {
    const auto got = socket_.read_some(buffer, sizeof buffer, 0);
    if (!got.ok() && got.error().code == Code::timeout) return;
    if (!got.ok()) return fail(got.error().text());
    if (*got == 0) {
      if (const auto ended = parser_.finish(); !ended.ok()) return fail(ended.error().message);
      over_ = true;
      return socket_.close();
    }
    if (const auto used = parser_.feed({buffer, *got}, body_); !used.ok()) return fail(used.error().message);
    deadline_ = endless_ && parser_.head_complete() ? kNever : now + patience_ms_;
    if (parser_.complete()) {
      over_ = true;
      return socket_.close();
    }
    if (*got < sizeof buffer) return;
  }
  if (body_.size() >= kDockerAnswerMax && !endless_) fail("an answer of more than 4 MiB from Docker");
}

}  // namespace mimas::executor
