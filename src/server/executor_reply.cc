#include "server/executor_reply.h"

#include "server/answers.h"

namespace mimas::server {
namespace {

// RFC 9110 §13.1.2: a list of tags, compared without regard to weakness, or "*".
bool names(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view tag = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (!tag.empty() && (tag.front() == ' ' || tag.front() == '\t')) tag.remove_prefix(1);
    while (!tag.empty() && (tag.back() == ' ' || tag.back() == '\t')) tag.remove_suffix(1);
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == "*" || tag == etag) return true;
  }
  return false;
}

}  // namespace

http::Reply executor_reply(const Executors& executors, const std::string& arch,
                           std::string_view if_none_match) {
  const auto file = executors.find(arch);
  if (!file) {
    std::string have;
    for (const std::string& name : executors.architectures()) have += (have.empty() ? "" : ", ") + name;
    return problem(
        make_error(Code::not_found, "no executor for the architecture " + arch, arch, "there are: " + have));
  }
  const std::string etag = "\"" + file->sha256 + "\"";
  http::Reply reply;
  reply.content_type = "application/octet-stream";
  reply.headers = {{"ETag", etag}, {"X-Mimas-SHA256", file->sha256}};
  if (names(if_none_match, etag)) {
    reply.status = 304;
  } else {
    reply.body = file->bytes;
  }
  return reply;
}

}  // namespace mimas::server
