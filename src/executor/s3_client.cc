#include "executor/s3_client.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/sha256.h"
#include "net/clock.h"
#include "net/socket.h"

namespace mimas::executor {
namespace {

constexpr std::int64_t kConnectMs = 5'000;
constexpr std::int64_t kSilenceMs = 30'000;
constexpr std::size_t kAnswerBytesMax = 1 << 20;
char piece[64 << 10];  // one thread

Result<std::string_view> read_piece(const S3Body& body, std::int64_t done) {
  const auto size = static_cast<std::size_t>(std::min<std::int64_t>(body.size - done, sizeof piece));
  ssize_t got;
  do got = ::pread(body.fd, piece, size, static_cast<off_t>(body.offset + done));
  while (got < 0 && errno == EINTR);
  if (got < 0) return make_error(Code::io, std::string("cannot read the file: ") + std::strerror(errno));
  if (got == 0) return make_error(Code::io, "the file has become shorter");
  return std::string_view(piece, static_cast<std::size_t>(got));
}

Result<std::string> hash_of(const S3Body& body) {
  if (body.fd < 0) return hex(sha256(body.text));
  Sha256 hash;
  for (std::int64_t done = 0; done < body.size;) {
    const auto bytes = read_piece(body, done);
    if (!bytes.ok()) return bytes.error();
    hash.add(*bytes);
    done += static_cast<std::int64_t>(bytes->size());
  }
  return hex(hash.finish());
}

std::int64_t length_of(const S3Body& body) {
  return body.fd < 0 ? static_cast<std::int64_t>(body.text.size()) : body.size;
}

Status send(net::Socket& socket, const std::string& head, const S3Body& body) {
  if (Status sent = socket.write_all(head, kSilenceMs); !sent.ok()) return sent;
  if (body.fd < 0) return socket.write_all(body.text, kSilenceMs);
  for (std::int64_t done = 0; done < body.size;) {
    const auto bytes = read_piece(body, done);
    if (!bytes.ok()) return bytes.error();
    if (Status sent = socket.write_all(*bytes, kSilenceMs); !sent.ok()) return sent;
    done += static_cast<std::int64_t>(bytes->size());
  }
  return Done{};
}

Result<S3Answer> receive(net::Socket& socket) {
  wire::ResponseParser parser;
  S3Answer answer;
  while (!parser.complete()) {
    const auto got = socket.read_some(piece, sizeof piece, kSilenceMs);
    if (!got.ok()) return got.error();
    if (*got == 0) {
      if (Status whole = parser.finish(); !whole.ok()) return whole.error();
      break;
    }
    if (auto fed = parser.feed({piece, *got}, answer.body); !fed.ok()) return fed.error();
    if (answer.body.size() > kAnswerBytesMax)
      return make_error(Code::protocol, "an answer of more than 1 MiB");
  }
  answer.status = parser.head().status;
  answer.etag = wire::find_header(parser.head().headers, "ETag");
  return answer;
}

}  // namespace

Result<S3Answer> S3Client::call(const char* method, std::string_view key,
                                std::vector<std::pair<std::string, std::string>> query,
                                const S3Body& body) const {
  auto hash = hash_of(body);
  if (!hash.ok()) return hash.error();
  const Instant now = net::wall_now();
  S3Request request{method, url_.object_path(key), std::move(query), {}, std::move(hash).value()};
  request.headers = {{"host", url_.endpoint.text()},
                     {"x-amz-content-sha256", request.payload_sha256},
                     {"x-amz-date", amz_date(now)}};
  const std::string signed_by = authorization(request, keys_, url_.region, now);
  std::string head = request.method + " " + request.path;
  if (!request.query.empty()) head += "?" + query_text(request);
  head += " HTTP/1.1\r\n";
  for (const wire::Header& header : request.headers) head += header.name + ": " + header.value + "\r\n";
  head += "authorization: " + signed_by + "\r\ncontent-length: " + std::to_string(length_of(body)) +
          "\r\nconnection: close\r\n\r\n";

  auto socket = net::Socket::connect(url_.endpoint, kConnectMs);
  if (!socket.ok()) return socket.error();
  const Status sent = send(*socket, head, body);
  // Whoever refuses a request may do so before it has read it all: the answer says more than our own error.
  auto answer = receive(*socket);
  if (!answer.ok() && !sent.ok()) return sent.error();
  return answer;
}

std::string xml_text(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::size_t from = xml.find(open);
  const std::size_t to = from == std::string_view::npos ? from : xml.find("</", from);
  if (to == std::string_view::npos) return {};
  std::string_view raw = xml.substr(from + open.size(), to - from - open.size());
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&#34;", '"'}};
  std::string text;
  while (!raw.empty()) {
    const auto known = std::find_if(std::begin(kEntities), std::end(kEntities),
                                    [&](const auto& entity) { return raw.starts_with(entity.first); });
    text += known == std::end(kEntities) ? raw.front() : known->second;
    raw.remove_prefix(known == std::end(kEntities) ? 1 : known->first.size());
  }
  return text;
}

}  // namespace mimas::executor
