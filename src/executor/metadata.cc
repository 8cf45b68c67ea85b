#include "executor/metadata.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>

#include "json/writer.h"
#include "wire/host.h"
#include "wire/request_parser.h"

namespace mimas::executor {
namespace {

constexpr std::string_view kMetaData = "/latest/meta-data/";

bool is_address(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

// As long as it takes to look at all of it, whatever the first difference.
bool same_secret(std::string_view given, std::string_view secret) {
  if (given.size() != secret.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference = static_cast<unsigned char>(difference | (given[i] ^ secret[i]));
  return difference == 0;
}

std::string_view tag(const Identity& identity, std::string_view name) {
  for (const auto& [key, value] : identity.tags) {
    if (key == name) return value;
  }
  return {};
}

MetadataReply not_found() { return {404, "text/plain", "there is no such path; GET / lists them\n"}; }

// EC2's names for what a task has, too; empty: not known here.
std::string ec2_value(std::string_view name, const Identity& identity) {
  if (name == "instance-id") return identity.task;
  if (name == "hostname" || name == "local-hostname") return identity.host;
  if (name == "local-ipv4") return identity.ip;
  if (name == "ami-launch-index") return std::string(tag(identity, "index"));
  constexpr std::string_view kTags = "tags/instance/";
  if (name.starts_with(kTags)) return std::string(tag(identity, name.substr(kTags.size())));
  return {};
}

MetadataReply ec2(std::string_view name, const Identity& identity) {
  if (name.empty())
    return {200, "text/plain",
            "ami-launch-index\nhostname\ninstance-id\nlocal-hostname\nlocal-ipv4\ntags/\n"};
  if (name == "tags/") return {200, "text/plain", "instance/\n"};
  if (name == "tags/instance/") {
    MetadataReply reply;
    for (const auto& entry : identity.tags) reply.body += entry.first + "\n";
    return reply;
  }
  std::string value = ec2_value(name, identity);
  if (value.empty()) return not_found();
  return {200, "text/plain", std::move(value)};
}

MetadataReply credentials(const MetadataRequest& request, std::string_view token, bool has_provider) {
  if (!has_provider)
    return {404, "text/plain", "no credentials provider is configured (--metadata credentials=…)\n"};
  if (!same_secret(request.authorization, token))
    return {403, "text/plain", "the Authorization header must be the value of MIMAS_METADATA_TOKEN\n"};
  MetadataReply reply;
  reply.type = "application/json";
  reply.ask_provider = true;
  return reply;
}

}  // namespace

Result<MetadataOptions> parse_metadata(std::string_view text) {
  MetadataOptions options;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const std::size_t equals = item.find('=');
    const std::string_view name = item.substr(0, equals);
    std::string value(equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1));
    if (name == "listen" && is_address(value)) {
      options.listen = std::move(value);
    } else if (name == "credentials" && value.size() > 1 && value.front() == '/') {
      options.provider = std::move(value);
    } else {
      return make_error(
          Code::invalid_argument, "'" + std::string(item) + "' is not understood", "--metadata",
          "write listen=ADDRESS (numeric) and credentials=/path/of/executable, with a comma between");
    }
  }
  return options;
}

std::string identity_json(const Identity& identity) {
  json::Writer writer;
  writer.begin_object().member("task", identity.task).member("host", identity.host);
  if (!identity.ip.empty()) writer.member("ip", identity.ip);
  writer.key("tags").begin_object();
  for (const auto& [name, value] : identity.tags) writer.member(name, value);
  writer.end_object().end_object();
  return writer.take();
}

Result<MetadataRequest> parse_request(std::string_view head) {
  const auto malformed = [](std::string what) { return make_error(Code::protocol, std::move(what)); };
  wire::RequestParser parser(0);
  std::string body;
  parser.feed(head, body);
  if (parser.fault()) return malformed(parser.fault()->detail);
  if (!parser.head_complete()) return malformed("not a whole request");
  // A page that re-bound its name to the task's address says its own: a browser runs in tasks, too.
  const std::string_view host = wire::host_of(wire::find_header(parser.head().headers, "Host"));
  if (!host.empty() && !wire::is_address(host) && !wire::is_loopback_host(host))
    return malformed("the Host header must be the address of this service");
  MetadataRequest request;
  request.method = parser.head().method;
  request.path = parser.head().target.substr(0, parser.head().target.find('?'));
  request.authorization = wire::find_header(parser.head().headers, "Authorization");
  return request;
}

MetadataReply answer(const MetadataRequest& request, const Identity& identity, std::string_view token,
                     bool has_provider) {
  const std::string_view path = request.path;
  if (request.method == "PUT" && path == "/latest/api/token") return {200, "text/plain", identity.task};
  if (request.method != "GET" && request.method != "HEAD")
    return {405, "text/plain", "GET is all there is, and PUT /latest/api/token\n"};
  if (path == "/")
    return {200, "text/plain", "/v1/identity\n/v1/credentials\n/latest/api/token\n/latest/meta-data/\n"};
  if (path == "/v1/identity") return {200, "application/json", identity_json(identity)};
  if (path == "/v1/credentials") return credentials(request, token, has_provider);
  if (path == "/latest/meta-data") return ec2({}, identity);
  if (path.starts_with(kMetaData)) return ec2(path.substr(kMetaData.size()), identity);
  return not_found();
}

std::string reply_bytes(const MetadataReply& reply, bool head_only) {
  const char* phrase = reply.status == 200 ? "OK" : reply.status < 500 ? "Refused" : "Failed";
  std::string bytes = "HTTP/1.1 " + std::to_string(reply.status) + " " + phrase +
                      "\r\nContent-Type: " + reply.type +
                      "\r\nContent-Length: " + std::to_string(reply.body.size()) +
                      "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
  if (!head_only) bytes += reply.body;
  return bytes;
}

std::vector<std::string> metadata_environment(const std::string& url, std::string_view token,
                                              bool has_provider) {
  std::vector<std::string> out{"MIMAS_METADATA_URL=" + url, "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + url};
  if (has_provider) {
    out.push_back("MIMAS_METADATA_TOKEN=" + std::string(token));
    out.push_back("AWS_CONTAINER_CREDENTIALS_FULL_URI=" + url + "/v1/credentials");
    out.push_back("AWS_CONTAINER_AUTHORIZATION_TOKEN=" + std::string(token));
  }
  return out;
}

}  // namespace mimas::executor
