#include "http/reply_head.h"

#include <algorithm>

#include "http/refusal.h"

namespace mimas::http {
namespace {

bool is_framing(std::string_view name) {
  for (const char* own : {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive"}) {
    if (wire::equals_ignoring_case(name, own)) return true;
  }
  return false;
}

bool is_one_line(const std::string& text) {
  return std::ranges::all_of(
      text, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

void add(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string reply_head(const Reply& reply, BodyLength length, bool close) {
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  head.append(reason_phrase(reply.status)).append("\r\n");
  for (const wire::Header& header : reply.headers) {
    const bool good = !header.name.empty() && is_one_line(header.name) && is_one_line(header.value);
    if (good && !is_framing(header.name)) add(head, header.name, header.value);
  }
  const bool typed = wire::find_header(reply.headers, "Content-Type").empty() && !reply.content_type.empty();
  const bool has_body = length.kind != BodyLength::Kind::none && (reply.stream || length.bytes > 0);
  if (typed && has_body && is_one_line(reply.content_type)) add(head, "Content-Type", reply.content_type);
  if (length.kind == BodyLength::Kind::bytes) add(head, "Content-Length", std::to_string(length.bytes));
  if (length.kind == BodyLength::Kind::chunked) add(head, "Transfer-Encoding", "chunked");
  if (close) add(head, "Connection", "close");
  return head.append("\r\n");
}

}  // namespace mimas::http
