#include "wire/archive_url.h"

#include <algorithm>

#include "wire/chars.h"

namespace mimas::wire {
namespace {

constexpr std::size_t kUrlBytesMax = 2'048;
constexpr const char* kHint =
    "write s3://bucket/prefix?endpoint=http://10.0.0.5:9000&region=us-east-1, or file:///directory";

Error wrong(Code code, std::string why) { return make_error(code, std::move(why), "archive", kHint); }

std::string_view trim_slashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

// "", ".", ".." between slashes would name something else than what is written.
bool plain_parts(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

bool is_bucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
         });
}

bool is_numeric(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         std::all_of(host.begin(), host.end(), [](char c) { return is_digit(c) || c == '.'; });
}

Status set_parameter(ArchiveUrl& url, std::string_view name, const std::string& value) {
  if (name == "endpoint") {
    if (value.starts_with("https:"))
      return wrong(Code::unsupported,
                   "https endpoints: the executor carries no TLS; use one with http in the same network");
    if (!value.starts_with("http://"))
      return wrong(Code::invalid_argument, "the endpoint must begin with http://");
    const auto parsed = parse_url(value);
    if (!parsed.ok()) return wrong(Code::invalid_argument, "the endpoint: " + parsed.error().message);
    if (parsed->target != "/") return wrong(Code::unsupported, "an endpoint with a path");
    if (!is_numeric(parsed->endpoint.host))
      return wrong(Code::unsupported,
                   "an endpoint with a name: the executor resolves none; write its address");
    url.endpoint = parsed->endpoint;
  } else if (name == "region") {
    const bool good = !value.empty() && value.size() <= 64 &&
                      std::all_of(value.begin(), value.end(),
                                  [](char c) { return is_digit(c) || is_alpha(c) || c == '-'; });
    if (!good) return wrong(Code::invalid_argument, "the region must be letters, digits and dashes");
    url.region = value;
  } else if (name == "style") {
    if (value != "path")
      return wrong(Code::unsupported, "style must be path: a bucket in the host name needs name resolution");
  } else {
    return wrong(Code::invalid_argument, "unknown parameter '" + std::string(name.substr(0, 40)) +
                                             "'; there are endpoint, region and style");
  }
  return Done{};
}

Result<ArchiveUrl> parse_s3(std::string_view rest) {
  ArchiveUrl url;
  url.kind = ArchiveUrl::Kind::s3;
  const std::size_t question = std::min(rest.find('?'), rest.size());
  std::string_view path = rest.substr(0, question);
  std::string_view query = rest.substr(std::min(question + 1, rest.size()));
  const std::size_t slash = std::min(path.find('/'), path.size());
  url.bucket = path.substr(0, slash);
  url.prefix = trim_slashes(path.substr(slash));
  if (!is_bucket(url.bucket))
    return wrong(Code::invalid_argument, "a bucket is 3 to 63 lower-case letters, digits, dashes and dots");
  if (!plain_parts(url.prefix)) return wrong(Code::invalid_argument, "the prefix has empty or dotted parts");
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), false);
    if (!value.ok()) return wrong(Code::invalid_argument, value.error().message);
    if (Status set = set_parameter(url, pair.substr(0, equals), *value); !set.ok()) return set.error();
  }
  if (url.endpoint.port == 0) return wrong(Code::invalid_argument, "the endpoint is missing");
  return url;
}

}  // namespace

Result<ArchiveUrl> parse_archive_url(std::string_view text) {
  if (text.size() > kUrlBytesMax) return wrong(Code::too_large, "more than 2048 bytes");
  if (std::any_of(text.begin(), text.end(), [](char c) { return is_control(c) || c == ' '; }))
    return wrong(Code::invalid_argument, "a blank or control character");
  if (text.starts_with("s3://")) return parse_s3(text.substr(5));
  if (!text.starts_with("file:///")) return wrong(Code::unsupported, "neither s3:// nor file:///");
  ArchiveUrl url;
  const std::string_view path = trim_slashes(text.substr(7));
  if (path.empty() || !plain_parts(path))
    return wrong(Code::invalid_argument, "not a plain absolute directory");
  url.directory = "/" + std::string(path);
  return url;
}

std::string encode_path(std::string_view path) {
  std::string out;
  for (;;) {
    const std::size_t end = std::min(path.find('/'), path.size());
    out += percent_encode(path.substr(0, end));
    if (end == path.size()) return out;
    out += '/';
    path.remove_prefix(end + 1);
  }
}

std::string ArchiveUrl::object_key(std::string_view key) const {
  return prefix.empty() ? std::string(key) : prefix + "/" + std::string(key);
}

std::string ArchiveUrl::object_path(std::string_view key) const {
  return encode_path("/" + bucket + "/" + object_key(key));
}

std::string ArchiveUrl::object_url(std::string_view key) const {
  if (kind == Kind::directory) return "file://" + encode_path(directory + "/" + std::string(key));
  return "http://" + endpoint.text() + object_path(key);
}

}  // namespace mimas::wire
