#include "server/commands.h"

#include <charconv>

#include "base/sha256.h"

namespace mimas::server {

Result<std::optional<std::int64_t>> if_match(const http::Request& request) {
  std::string_view tag = request.header("If-Match");
  if (tag.empty() || tag == "*") return std::optional<std::int64_t>();
  const std::string sent(tag);
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  std::int64_t version = 0;
  const auto [end, failure] = std::from_chars(tag.data(), tag.data() + tag.size(), version);
  if (failure == std::errc{} && end == tag.data() + tag.size() && version > 0)
    return std::optional<std::int64_t>(version);
  return make_error(Code::invalid_argument, "must be one version, as the ETag has it, or *", "If-Match",
                    "send If-Match: \"3\" for the third version");
}

std::string entity_tag(const Job& job) { return '"' + std::to_string(job.version) + '"'; }

Result<ReceiptKey> receipt_key(const Call& call) {
  const std::string_view key = call.request.header("Idempotency-Key");
  if (key.empty()) return ReceiptKey{};
  bool printable = key.size() <= kIdempotencyKeyBytesMax;
  for (const char c : key) printable = printable && c >= 0x20 && c < 0x7f;
  if (!printable) {
    return make_error(
        Code::invalid_argument,
        "must be at most " + std::to_string(kIdempotencyKeyBytesMax) + " printable ASCII characters",
        "Idempotency-Key", "a UUID will do");
  }
  // A line break is in no name and in no key, so no two pairs of them meet.
  return ReceiptKey{call.who.name + "\n" + std::string(key), hex(sha256(call.request.body))};
}

Result<bool> flag_parameter(const http::Request& request, std::string_view name) {
  const std::string_view value = request.parameter(name);
  if (value.empty() || value == "false") return false;
  if (value == "true") return true;
  return make_error(Code::invalid_argument, "must be true or false", std::string(name));
}

http::Reply list_reply(http::Reply reply, const std::string& cursor) {
  if (!cursor.empty()) reply.headers.push_back({"X-Next-Cursor", cursor});
  return reply;
}

http::Reply task_list(const engine::View& view, api::TaskQuery query, api::Sight sight) {
  const std::string cursor = query.jobs.limit > 0 ? api::close_page(view, query) : std::string();
  return list_reply(written_reply([&view, query = std::move(query), sight = std::move(sight)](
                                      json::Writer& out) { api::write_tasks(out, view, query, sight); }),
                    cursor);
}

}  // namespace mimas::server
